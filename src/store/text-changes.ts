/** What an apply makes of which Rego and data, by digest: for its audit entry. The texts themselves are blobs. */
import type { Db } from 'mongodb'
import type { TextChange } from '../policy/schema.ts'
import type { ApplyPlan } from './apply.ts'
import { referencesOf } from './blobs.ts'
import { collectionsOf } from './collections.ts'
import type { Archived } from './versions.ts'

type Texts = ReadonlyMap<string, string>

/** Read outside the transaction, which is refused when the revision has moved since. */
export async function textChanges(
  db: Db,
  { remove, modules }: Pick<ApplyPlan, 'remove' | 'modules'>,
  archived: Archived,
): Promise<readonly TextChange[]> {
  const after = textsOf(archived)
  const ids = [...archived.policies, ...archived.modules].map(({ _id }) => _id)
  const before = await textsInForce(db, [...ids, ...remove, ...modules.remove])
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .map((key) => ({ key, before: before.get(key) ?? null, after: after.get(key) ?? null }))
    .filter((change) => change.before !== change.after)
}

async function textsInForce(db: Db, keys: readonly string[]): Promise<Texts> {
  const found = await collectionsOf(db)
    .versions.find({ key: { $in: [...keys] }, to: null })
    .toArray()
  return textsOf({
    policies: found.flatMap((version) => (version.kind === 'policy' ? [version.document] : [])),
    modules: found.flatMap((version) => (version.kind === 'module' ? [version.document] : [])),
  })
}

function textsOf({ policies, modules }: Archived): Texts {
  const of = (key: string, text: unknown) => referencesOf({ text }).map((digest) => [key, digest] as const)
  return new Map([
    ...policies.flatMap(({ _id, rego, data }) => [
      ...of(`policy:${_id}`, rego),
      ...of(`policy:${_id}/data.json`, data),
    ]),
    ...modules.flatMap(({ kind, id, text }) => of(`${kind}:${id}`, text)),
  ])
}
