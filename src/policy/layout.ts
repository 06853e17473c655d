/**
 * What a path of a source is. Pure over the whole listing, because a directory is a policy only when it holds a
 * `policy.rego`. Names are checked here, so that everything behind may use them in paths, URLs and Rego.
 */
import type { PolicyKey } from './schema.ts'

export type PolicyRole =
  | 'policy'
  | 'rego'
  | 'test'
  | 'data'
  | 'tests'
  | 'output-schema'
  | 'data-config'
  | 'export-config'

export interface PolicyName {
  readonly key: PolicyKey
  readonly group: string
  readonly name: string
  readonly version: string
}

export type Placed =
  | { readonly kind: 'policy'; readonly role: PolicyRole; readonly policy: PolicyName }
  | { readonly kind: 'module'; readonly id: string }
  | { readonly kind: 'module-test'; readonly id: string }
  /** Shared data at the path of its directory; `id` joins it with `/`. */
  | { readonly kind: 'data'; readonly id: string; readonly at: readonly string[] }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

const sideFiles: Readonly<Record<string, PolicyRole>> = {
  'policy.rego': 'policy',
  'data.json': 'data',
  'policy.tests.yaml': 'tests',
  'output-schema.json': 'output-schema',
  'data-config.json': 'data-config',
  'export-config.json': 'export-config',
}

const ignored: Placed = { kind: 'ignored' }

export function place(paths: readonly string[]): ReadonlyMap<string, Placed> {
  const policyDirectories = new Map<string, PolicyName | Placed>()
  const strayDirectories = new Set<string>()
  for (const path of paths) {
    const segments = path.split('/')
    if (segments.at(-1) !== 'policy.rego' || pathProblem(path) !== undefined) continue
    const directory = segments.slice(0, -1).join('/')
    if (segments.length === 4) policyDirectories.set(directory, policyName(segments))
    else strayDirectories.add(directory)
  }
  return new Map(paths.map((path) => [path, placeOne(path, policyDirectories, strayDirectories)]))
}

function placeOne(
  path: string,
  policyDirectories: ReadonlyMap<string, PolicyName | Placed>,
  strayDirectories: ReadonlySet<string>,
): Placed {
  const problem = pathProblem(path)
  if (problem !== undefined) return refused('bad_path', problem)
  const segments = path.split('/')
  const file = segments.at(-1) ?? ''
  const directory = segments.slice(0, -1).join('/')
  const owner = segments.length > 3 ? policyDirectories.get(segments.slice(0, 3).join('/')) : undefined
  if (owner !== undefined) return segments.length === 4 ? placeInPolicy(file, owner) : placeBelowPolicy(file)
  if (file === 'policy.rego') {
    return refused(
      'wrong_depth',
      'policy.rego stands at <group>/<name>/<version>/policy.rego, exactly three folders deep',
    )
  }
  if (strayDirectories.has(directory)) return ignored
  return placeShared(segments, file)
}

function placeInPolicy(file: string, owner: PolicyName | Placed): Placed {
  if ('kind' in owner) return file === 'policy.rego' ? owner : ignored
  const role = sideFiles[file] ?? (file.endsWith('_test.rego') ? 'test' : file.endsWith('.rego') ? 'rego' : undefined)
  if (role === undefined || file.startsWith('.')) return ignored
  if ((role === 'rego' || role === 'test') && !safeSegment.test(file)) return refused('bad_name', fileNameRule(file))
  return { kind: 'policy', role, policy: owner }
}

function placeBelowPolicy(file: string): Placed {
  if (!file.endsWith('.rego') && file !== 'data.json') return ignored
  return refused('wrong_depth', 'a policy directory has no folders: its files stand beside policy.rego')
}

const safeSegment = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/

function placeShared(segments: readonly string[], file: string): Placed {
  const isRego = file.endsWith('.rego')
  if ((!isRego && file !== 'data.json') || segments.some((segment) => segment.startsWith('.'))) return ignored
  const unsafe = segments.find((segment) => !safeSegment.test(segment))
  if (unsafe !== undefined) return refused('bad_name', fileNameRule(unsafe))
  if (!isRego) return { kind: 'data', id: segments.slice(0, -1).join('/'), at: segments.slice(0, -1) }
  const id = segments.join('/').slice(0, -'.rego'.length)
  if (id === 'edict/entry') return refused('bad_name', 'edict/entry.rego is generated for each policy')
  return { kind: id.endsWith('_test') ? 'module-test' : 'module', id }
}

function fileNameRule(name: string): string {
  return `${JSON.stringify(name)}: names of shared files and folders are made of letters, digits, ".", "_" and "-"`
}

const keywords = 'as contains default else every false if import in not null package some true with'.split(' ')
const reservedGroups = new Set(['system', 'edict', 'input', 'data', ...keywords])
/** Words that end a URL below a policy, and so are no versions. */
export const urlWords: ReadonlySet<string> = new Set(
  'evaluation evaluations validation lock explain export key notifychange did.json'.split(' '),
)

function policyName(segments: readonly string[]): PolicyName | Placed {
  const [group = '', name = '', version = ''] = segments
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(group)) return refused('bad_group', `group "${group}" is not a Rego identifier`)
  if (reservedGroups.has(group)) return refused('bad_group', `group "${group}" is a reserved word`)
  if (!/^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(name)) {
    return refused('bad_name', `name "${name}" is not made of letters, digits, "_" and "-"`)
  }
  if (!/^[0-9A-Za-z][0-9A-Za-z._-]*$/.test(version)) {
    return refused('bad_version', `version "${version}" is not made of letters, digits, ".", "_" and "-"`)
  }
  if (urlWords.has(version)) return refused('bad_version', `version "${version}" is a word of the URLs`)
  return { key: `${group}/${name}/${version}`, group, name, version }
}

function pathProblem(path: string): string | undefined {
  if (path === '' || path.startsWith('/')) return 'the path is not relative'
  if (path.includes('\\')) return 'the path holds a backslash'
  for (const character of path)
    if (isControl(character.codePointAt(0) ?? 0)) return 'the path holds a control character'
  const segments = path.split('/')
  if (segments.includes('')) return 'the path has an empty segment'
  return segments.includes('..') || segments.includes('.') ? 'the path has a "." or ".." segment' : undefined
}

function isControl(code: number): boolean {
  return code < 0x20 || (code >= 0x7f && code < 0xa0)
}

function refused(code: string, message: string): Placed {
  return { kind: 'refused', code, message }
}
