/** The real opa with the capabilities that policies are built with. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capabilities, type Capabilities } from '../../extensions/capabilities.ts'
import { extensions } from '../../extensions/index.ts'
import { createCache } from '../../src/opa/cache.ts'
import { withCache, type CachedOpa } from '../../src/opa/cached.ts'
import { createOpa, type Opa, type OpaOptions } from '../../src/opa/run.ts'
import { opaPath } from '../setup/opa.ts'

export function realOpa(options: Partial<OpaOptions> = {}): Opa {
  const printed = execFileSync(opaPath(), ['capabilities', '--current'], { maxBuffer: 1e8 }).toString()
  const base = JSON.parse(printed) as Capabilities
  return createOpa({ path: opaPath(), capabilities: capabilities(base, extensions), ...options })
}

export function cachedOpa(dir = mkdtempSync(join(tmpdir(), 'edict-test-opa-')), opa = realOpa()): Promise<CachedOpa> {
  return withCache(opa, createCache({ dir }))
}
