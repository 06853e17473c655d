/** What the pages ask for, each with the key by which a change of the server makes it be asked again. */
import { queryOptions } from '@tanstack/react-query'
import { ApiError, call, policyPath, query } from './client.ts'
import type {
  AuditEntry,
  CatalogItem,
  CatalogPage,
  Oidc,
  Owned,
  Plan,
  PlanWithDiffs,
  Policy,
  Revision,
  Rule,
  Source,
  StatsMinute,
  Token,
  WhoAmI,
} from './types.ts'

import { readToken } from '../session/token.ts'
import { lookAgainMs } from '../session/expiry.ts'

export interface Catalog {
  readonly policies: readonly CatalogItem[]
  readonly revision: number
}

/** All pages: the table is filtered here, as one types. */
const wholeCatalog = async (signal: AbortSignal): Promise<Catalog> => {
  const policies: CatalogItem[] = []
  for (let cursor: string | undefined; ;) {
    // oxlint-disable-next-line no-await-in-loop
    const page = await call<CatalogPage>(`/api/catalog${query({ limit: 1000, cursor })}`, { signal })
    policies.push(...page.policies)
    if (page.next === null) return { policies, revision: page.revision }
    cursor = page.next
  }
}

export const catalogQuery = queryOptions({ queryKey: ['catalog'], queryFn: ({ signal }) => wholeCatalog(signal) })

export const sourcesQuery = queryOptions({
  queryKey: ['sources'],
  queryFn: async ({ signal }) => (await call<{ sources: readonly Source[] }>('/api/sources', { signal })).sources,
})

export interface PolicyId {
  readonly group: string
  readonly name: string
  readonly version: string
}

export const policyQuery = (id: PolicyId) =>
  queryOptions({
    queryKey: ['policy', id.group, id.name, id.version],
    queryFn: ({ signal }) => call<Policy>(policyPath(id), { signal }),
  })

export const revisionsQuery = queryOptions({
  queryKey: ['revisions'],
  queryFn: async ({ signal }) =>
    (await call<{ revisions: readonly Revision[] }>('/api/revisions?limit=200', { signal })).revisions,
})

export const historyQuery = (policy: string) =>
  queryOptions({
    queryKey: ['revisions', policy],
    queryFn: async ({ signal }) =>
      (await call<{ revisions: readonly Revision[] }>(`/api/revisions${query({ policy, limit: 200 })}`, { signal }))
        .revisions,
  })

export const plansQuery = (status: string | undefined) =>
  queryOptions({
    queryKey: ['plans', status ?? ''],
    queryFn: async ({ signal }) =>
      (await call<{ plans: readonly Plan[] }>(`/api/plans${query({ status, limit: 200 })}`, { signal })).plans,
  })

export const planQuery = (id: string) =>
  queryOptions({
    queryKey: ['plan', id],
    queryFn: ({ signal }) => call<PlanWithDiffs>(`/api/plans/${encodeURIComponent(id)}`, { signal }),
  })

export const modulesQuery = queryOptions({
  queryKey: ['modules'],
  queryFn: async ({ signal }) => (await call<{ policies: readonly string[] }>('/api/policies', { signal })).policies,
})

export const moduleQuery = (id: string) =>
  queryOptions({
    queryKey: ['module', id],
    queryFn: async ({ signal }) =>
      (await call<{ rego_code: string }>(`/api/policies/${encodeURIComponent(id)}`, { signal })).rego_code,
  })

const everyRule = async (signal: AbortSignal): Promise<readonly Rule[]> => {
  const rules: Rule[] = []
  for (let offset: number | null = 0; offset !== null;) {
    // oxlint-disable-next-line no-await-in-loop
    const page: { rules: readonly Rule[]; next: number | null } = await call(
      `/api/rules${query({ limit: 1000, offset })}`,
      { signal },
    )
    rules.push(...page.rules)
    offset = page.next
  }
  return rules
}

export const rulesQuery = queryOptions({ queryKey: ['rules'], queryFn: ({ signal }) => everyRule(signal) })

export const ownershipQuery = (filter: { readonly kind?: string; readonly source?: string; readonly key?: string }) =>
  queryOptions({
    queryKey: ['ownership', filter],
    queryFn: async ({ signal }) =>
      (await call<{ owned: readonly Owned[] }>(`/api/ownership${query({ ...filter, limit: 1000 })}`, { signal })).owned,
  })

export interface AuditFilter {
  readonly actor?: string
  readonly action?: string
  readonly resource?: string
  readonly since?: string
}

export const auditPage = (filter: AuditFilter, before: number | undefined, signal: AbortSignal) =>
  call<{ entries: readonly AuditEntry[]; next: number | null }>(`/api/audit${query({ ...filter, before })}`, { signal })

export const recentAuditQuery = queryOptions({
  queryKey: ['audit', 'recent'],
  queryFn: async ({ signal }) =>
    (await call<{ entries: readonly AuditEntry[] }>('/api/audit?limit=10', { signal })).entries,
})

export const statsQuery = (filter: { readonly policy?: string; readonly minutes: number }) =>
  queryOptions({
    queryKey: ['stats', filter],
    queryFn: async ({ signal }) =>
      (await call<{ minutes: readonly StatsMinute[] }>(`/api/stats${query(filter)}`, { signal })).minutes,
    refetchInterval: 10_000,
  })

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: async ({ signal }) => (await call<{ tokens: readonly Token[] }>('/api/tokens', { signal })).tokens,
})

export const signInQuery = queryOptions({
  queryKey: ['sign-in'],
  queryFn: ({ signal }) => call<{ readonly oidc: Oidc | null }>('/api/sign-in', { signal }),
  staleTime: Infinity,
})

/** null: a credential is needed. Asked now and then, so that a session that ends is noticed. */
export const whoQuery = queryOptions({
  queryKey: ['whoami'],
  queryFn: async ({ signal }): Promise<WhoAmI | null> => {
    try {
      return await call<WhoAmI>('/api/whoami', { signal })
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  },
  staleTime: 30_000,
  refetchInterval: ({ state }) => (state.data === null ? false : lookAgainMs(readToken(), Date.now())),
})

/** What this user may do with one policy. */
export const mayQuery = (policy: string) =>
  queryOptions({
    queryKey: ['whoami', policy],
    queryFn: async ({ signal }) => (await call<WhoAmI>(`/api/whoami${query({ policy })}`, { signal })).may,
    staleTime: 30_000,
  })
