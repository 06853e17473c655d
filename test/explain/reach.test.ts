/** Lines that an evaluation came to: by hand, and beside `opa eval --coverage`, which leaves out what its index rules out. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { capabilities } from '../../extensions/capabilities.ts'
import { extensions } from '../../extensions/index.ts'
import type { FileReach } from '../../src/explain/reach.ts'
import { createOpa } from '../../src/opa/run.ts'
import { baseCapabilities } from '../engine/compile.ts'
import { opaPath } from '../setup/opa.ts'
import { asked, openExplainer, type TestExplainer } from './explainer-for-tests.ts'

let explainer: TestExplainer
beforeAll(async () => {
  explainer = await openExplainer()
})

interface Case {
  readonly files: Readonly<Record<string, string>>
  readonly data?: unknown
  readonly input?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const reachOf = async ({ files, data = {}, ...question }: Case): Promise<readonly FileReach[] | undefined> => {
  const subject = await explainer.subjectOf(files, JSON.stringify(data))
  return (await explainer.explain(subject, { ...asked(question), coverage: true })).coverage
}

const file = 'a/b/1/policy.rego'
const linesOf = async (rego: string, input: unknown, data: unknown = {}) => {
  const [found] = (await reachOf({ files: { [file]: rego }, input, data })) ?? []
  return { covered: found?.covered, failed: found?.failed, notCovered: found?.notCovered }
}

describe('the lines that an evaluation came to', () => {
  const rego = `package a.b

default allow := false

allow if {
	input.age >= 18
	input.country == "FR"
	input.member
}

reason := "young" if input.age < 18
`

  it('end at the condition that failed', async () => {
    expect(await linesOf(rego, { age: 20, country: 'DE' })).toEqual({
      covered: [3, 6, 7, 11],
      failed: [7, 11],
      notCovered: [5, 8],
    })
  })

  it('are all of a body that holds, and not its default', async () => {
    expect(await linesOf(rego, { age: 20, country: 'FR', member: true })).toEqual({
      covered: [5, 6, 7, 8, 11],
      failed: [11],
      notCovered: [3],
    })
  })

  it('are those of any round through a collection', async () => {
    const rounds = `package a.b

allow if {
	some role in input.roles
	role != "guest"
	role == "admin"
	input.open
}
`
    expect(await linesOf(rounds, { roles: ['guest', 'admin'], open: false })).toEqual({
      covered: [4, 5, 6, 7],
      failed: [7],
      notCovered: [3],
    })
    expect(await linesOf(rounds, { roles: [] })).toEqual({ covered: [4], failed: [4], notCovered: [3, 5, 6, 7] })
  })

  it('leave an else alone when what stands before it decides', async () => {
    const chain = `package a.b

level := 2 if {
	input.a
} else := 1 if {
	input.b
}
`
    expect(await linesOf(chain, { a: true, b: true })).toEqual({ covered: [3, 4], failed: [], notCovered: [5, 6] })
    expect(await linesOf(chain, { b: true })).toEqual({ covered: [4, 5, 6], failed: [4], notCovered: [3] })
  })

  it('are those of a function, whether its call holds or not; and unknown where its arguments cannot be told', async () => {
    const functions = `package a.b

allow if is_admin(input.user)

is_admin(user) if {
	user.role == "admin"
	user.active
}

unused(x) if {
	x > 1
}

all := [y | some x in input.numbers; y := twice(x)]

twice(x) := 2 * x if {
	x > 1
}
`
    expect(await linesOf(functions, { user: { role: 'admin', active: true }, numbers: [1, 2] })).toEqual({
      covered: [3, 5, 6, 7, 14],
      failed: [],
      notCovered: [10, 11],
    })
    expect(await linesOf(functions, { user: { role: 'guest' }, numbers: [] })).toMatchObject({ failed: [3, 6] })
  })

  it('are not told when they are not asked for', async () => {
    const subject = await explainer.subjectOf({ [file]: rego })
    expect(await explainer.explain(subject, asked({}))).not.toHaveProperty('coverage')
  })
})

const folder = join(import.meta.dirname, 'cases')
const cases = readdirSync(folder)
  .map((name): Case & { readonly name: string } => ({ ...parse(readFileSync(join(folder, name), 'utf8')), name }))
  .filter(({ files }) => !Object.values(files).some((text) => /get_header|http\.send|external/.test(text)))

describe('lines that opa reaches', () => {
  it.each(cases)('are among ours: $name', async (one) => {
    const { files: modules, home, data } = await explainer.subjectOf(one.files, JSON.stringify(one.data ?? {}))
    const opa = createOpa({ path: opaPath(), capabilities: capabilities(await baseCapabilities(), extensions) })
    const given = one.input === undefined ? '' : ` with input as ${JSON.stringify(one.input)}`
    const query = `data.${home.join('.')}${given}`
    const theirs = await opa.coverage({ files: modules, data: Buffer.from(data), query })
    const ours = new Map((await reachOf(one))?.map((found) => [found.file, found]))
    for (const { file: path, covered } of theirs.files.filter(({ file: name }) => ours.has(name)))
      expect(ours.get(path)?.notCovered.filter((line) => covered.has(line))).toEqual([])
  })
})

describe('an explanation that is not wanted any more', () => {
  it('ends with its opa', async () => {
    const subject = await explainer.subjectOf({ [file]: 'package a.b\n\nallow if input.never_before\n' })
    const stop = new AbortController()
    const explained = explainer.explain(subject, { ...asked({}), signal: stop.signal })
    stop.abort(new Error('gone'))
    await expect(explained).rejects.toThrow('gone')
    await expect(explainer.explain(subject, asked({}))).resolves.toMatchObject({ decision: { value: {} } })
  })
})
