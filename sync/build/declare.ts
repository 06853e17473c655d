/**
 * What is declared in a cycle: the fragments within their scopes; for a source that is away, refused or held back, what is
 * in force of it; and shared content that no configured source answers for any more, until somebody else declares it.
 */
import { isError } from '../../src/policy/analysis.ts'
import { compose, type ComposeOptions, type Composition } from '../../src/policy/compose.ts'
import { heldSources, type HeldSource } from '../../src/policy/plan.ts'
import { shippedSource } from '../../src/policy/rbac.ts'
import type { Fragment, ModuleDocument, PolicyKey, PolicyMeta } from '../../src/policy/schema.ts'
import { coversModule, coversPath, coversPolicy } from '../../src/policy/scope.ts'
import type { BuildOptions, StoredContent } from './built.ts'
import { standingFragment, type StoredReader } from '../sources/standing-source.ts'

export interface Declared {
  readonly composition: Composition
  readonly held: readonly HeldSource[]
  /** Sources whose stored content stands in for them. */
  readonly standing: ReadonlySet<string>
  /** The stored documents that this composition answers for; all others are left alone. */
  readonly managed: Pick<StoredContent, 'policies' | 'modules'>
}

export interface DeclareDeps extends StoredReader {
  readonly defaults?: Fragment
}

/** What the fragments say by themselves: a Conflict among them is found before any stored state is read. */
export function declareLoaded({ defaults }: DeclareDeps, options: Omit<BuildOptions, 'stored'>): Composition {
  return compose({ fragments: presentOf(options), defaults, ...scopesOf(options) })
}

/** `loaded` is what `declareLoaded` answered, without a Conflict. */
export async function declare(deps: DeclareDeps, options: BuildOptions, loaded: Composition): Promise<Declared> {
  const { absent = [], stored, confirmed = new Map<string, string>() } = options
  const stand = (sources: Iterable<string>, part: Pick<StoredContent, 'policies' | 'modules'> = stored) =>
    Promise.all([...sources].map((source) => standingFragment({ ...deps, ...part, source, signal: options.signal })))
  const present = presentOf(options)
  const common = { defaults: deps.defaults, known: knownNames(stored.policies), ...scopesOf(options) }
  const leftover = await leftoverFragments(options, stand)
  const away = new Set([...absent, ...loaded.outOfScope.keys()])
  // What is in force matters where something stands in, or cannot be read.
  const isWhole = away.size + leftover.length === 0 && !present.some(({ findings }) => findings.some(isError))
  const first = isWhole ? loaded : compose({ ...common, fragments: present, standing: await stand(away), leftover })
  const managed = managedOf(first, options)
  if (first.conflict) return { composition: first, held: [], standing: away, managed }
  const taken = present.filter(({ source }) => !away.has(source))
  const held = heldSources({ fragments: taken, declared: first.policies, stored: managed.policies, confirmed })
  if (held.length === 0) return { composition: first, held, standing: away, managed }
  const standing = new Set([...away, ...held.map(({ source }) => source)])
  const isHeld = ({ source }: Fragment) => held.some((one) => one.source === source)
  const fragments = present.filter((fragment) => !isHeld(fragment))
  const composition = compose({ ...common, fragments, standing: await stand(standing), leftover })
  return { composition, held, standing, managed: managedOf(composition, options) }
}

function presentOf({ fragments, absent }: Pick<BuildOptions, 'fragments' | 'absent'>): readonly Fragment[] {
  return fragments.filter(({ source }) => absent?.has(source) !== true)
}

function scopesOf({ scopes }: Pick<BuildOptions, 'scopes'>): Pick<ComposeOptions, 'scopes'> {
  return scopes === undefined ? {} : { scopes }
}

function knownNames(policies: readonly PolicyMeta[]): NonNullable<ComposeOptions['known']> {
  const known = new Map<string, (PolicyMeta & { readonly key: PolicyKey })[]>()
  for (const policy of policies) {
    const names = known.get(policy.repository) ?? []
    known.set(policy.repository, names)
    names.push({ ...policy, key: policy._id as PolicyKey })
  }
  return known
}

/** Shared content of sources that are configured no more, and of scoped ones what their scope does not cover any more. */
async function leftoverFragments(
  { absent, stored, scopes }: BuildOptions,
  stand: (sources: Iterable<string>, part: Pick<StoredContent, 'policies' | 'modules'>) => Promise<readonly Fragment[]>,
): Promise<readonly Fragment[]> {
  const isLeft = (document: ModuleDocument): boolean => {
    const { repository, kind, id } = document
    if (stored.dropped?.has(repository) === true) return true
    const scope = scopes?.get(repository)
    if (scope === undefined || absent?.has(repository) === true) return false
    return !(kind === 'module' ? coversModule(scope, id) : coversPath(scope.data, id.split('/')))
  }
  const modules = stored.modules.filter(isLeft)
  const sources = new Set(modules.map(({ repository }) => repository))
  return stand(sources, { policies: [], modules })
}

/** Without `configured` every stored document is managed. */
function managedOf(
  { policies: declared }: Composition,
  { stored, configured, scopes }: BuildOptions,
): Declared['managed'] {
  if (configured === undefined) return stored
  const isManaged = ({ _id, repository }: PolicyMeta): boolean => {
    const scope = scopes?.get(repository)
    return configured.has(repository) && (scope === undefined || coversPolicy(scope, _id))
  }
  return {
    policies: stored.policies.filter((policy) => isManaged(policy) || declared.has(policy._id as PolicyKey)),
    modules: stored.modules.filter(
      ({ repository }) =>
        configured.has(repository) || repository === shippedSource || stored.dropped?.has(repository) === true,
    ),
  }
}
