/** Modules and rules as the HTTP routes ask for them: read from the store, changed by asking whoever runs the cycles. */
import { EdictError } from './errors.ts'
import type { ApplyChange, Changed } from './http/changes.ts'
import type { ModuleReader } from './http/routes/modules.ts'
import type { RuleReader } from './http/routes/rules.ts'
import { renderRules } from './policy/generate.ts'
import { tableModule } from './policy/rbac.ts'
import { generatedModule, serviceOf } from './policy/rules.ts'
import type { CycleOutcome } from './policy/schema.ts'
import type { Store } from './store/store.ts'

export interface ApiPorts {
  readonly applyChange: ApplyChange
  readonly modules: ModuleReader
  readonly rules: RuleReader
}

export interface ApiPortsDeps {
  readonly store: Store
  /** Waits, within a bound, until all processes have taken in what is applied. */
  readonly takenIn: () => Promise<void>
  readonly signal: AbortSignal
}

/** An upload that nobody takes up is taken back after this. */
const patienceMs = 60_000

export const apiPortsOf = ({ store, takenIn, signal }: ApiPortsDeps): ApiPorts => {
  const apiSource = async (): Promise<string> => {
    const { items } = await store.sources.list()
    const name = items.find(({ kind }) => kind === 'api')?._id
    if (name !== undefined) return name
    throw new EdictError('forbidden', 'there is no API source here: set EDICT_API=true, or list `api: {}` in sources')
  }

  const outcomeOf = async (id: string): Promise<CycleOutcome> => {
    const outcome = await store.requests.waitFor(id, { timeoutMs: patienceMs, signal })
    if (outcome !== 'pending') return outcome
    if (!(await store.requests.withdraw(id))) {
      const late = await store.requests.waitFor(id, { timeoutMs: 0 })
      if (late !== 'pending') return late
    }
    throw new EdictError('sync_unavailable', 'no worker has taken the change up; it was taken back, nothing is changed')
  }

  const planned = async (id: string): Promise<Pick<Changed, 'waitsIn'>> => {
    const plan = await store.plans.get(id)
    if (plan === null) throw new EdictError('internal_error', `plan ${id} is not in the store`)
    const { diffs: _, ...waitsIn } = plan
    return { waitsIn }
  }

  return {
    applyChange: async ({ change, actor, from = null, dryRun = false }) => {
      const source = await apiSource()
      const id = await store.requests.submit({ reason: 'change', source, commit: null, actor, from, change, dryRun })
      const outcome = await outcomeOf(id)
      if (outcome.waits === true && outcome.plan != null) return { ...outcome, ...(await planned(outcome.plan)) }
      if (outcome.ok && !dryRun) await takenIn().catch(() => undefined)
      return outcome
    },
    modules: {
      list: async () => {
        const [{ items }, services] = await Promise.all([store.policies.modules(), store.rules.services()])
        const written = items.filter(({ kind, id }) => kind === 'module' && id !== tableModule).map(({ id }) => id)
        return [...new Set([...written, ...services.map(generatedModule)])].sort()
      },
      read: async (id) => {
        const { items } = await store.policies.modules()
        const found = items.find((document) => document.kind === 'module' && document.id === id)
        if (found !== undefined) return store.policies.readText(found.text)
        const service = serviceOf(id)
        const rules = service === undefined ? [] : await store.rules.ofService(service)
        return rules.length === 0 ? null : renderRules(rules)
      },
    },
    rules: store.rules,
  }
}
