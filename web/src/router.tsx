/** Every view has its own URL; what is chosen on a page stands in it, too. Pages are loaded when they are first shown. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { Frame, Lost } from './frame.tsx'
import { Overview } from './pages/overview.tsx'
import { Problem } from './parts/problem.tsx'

const words =
  <Name extends string>(...names: readonly Name[]) =>
  (search: Readonly<Record<string, unknown>>): Partial<Record<Name, string>> =>
    Object.fromEntries(
      names.flatMap((name) => {
        const value = search[name]
        return typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : []
      }),
    ) as Partial<Record<Name, string>>

const root = createRootRoute({ component: Frame, notFoundComponent: Lost })
const under = { getParentRoute: () => root }

export const overviewRoute = createRoute({ ...under, path: '/', component: Overview })
export const policiesRoute = createRoute({
  ...under,
  path: '/policies',
  validateSearch: words('q', 'state', 'group', 'source'),
  component: lazyRouteComponent(() => import('./pages/policies.tsx'), 'Policies'),
})
export const policyRoute = createRoute({
  ...under,
  path: '/policies/$group/$name/$version',
  validateSearch: words('tab', 'against', 'range'),
  component: lazyRouteComponent(() => import('./pages/policy.tsx'), 'PolicyPage'),
})
export const playgroundRoute = createRoute({
  ...under,
  path: '/playground',
  validateSearch: words('policy'),
  component: lazyRouteComponent(() => import('./pages/playground.tsx'), 'Playground'),
})
export const plansRoute = createRoute({
  ...under,
  path: '/plans',
  validateSearch: words('status'),
  component: lazyRouteComponent(() => import('./pages/plans.tsx'), 'Plans'),
})
export const planRoute = createRoute({
  ...under,
  path: '/plans/$id',
  component: lazyRouteComponent(() => import('./pages/plan.tsx'), 'PlanPage'),
})
export const revisionsRoute = createRoute({
  ...under,
  path: '/revisions',
  component: lazyRouteComponent(() => import('./pages/revisions.tsx'), 'Revisions'),
})
export const rulesRoute = createRoute({
  ...under,
  path: '/rules',
  validateSearch: words('service', 'type'),
  component: lazyRouteComponent(() => import('./pages/rules.tsx'), 'Rules'),
})
export const modulesRoute = createRoute({
  ...under,
  path: '/modules',
  validateSearch: words('q'),
  component: lazyRouteComponent(() => import('./pages/modules.tsx'), 'Modules'),
})
export const newModuleRoute = createRoute({
  ...under,
  path: '/new-module',
  validateSearch: words('from'),
  component: lazyRouteComponent(() => import('./pages/module.tsx'), 'NewModule'),
})
export const moduleRoute = createRoute({
  ...under,
  path: '/module/$',
  component: lazyRouteComponent(() => import('./pages/module.tsx'), 'ModulePage'),
})
export const sourcesRoute = createRoute({
  ...under,
  path: '/sources',
  component: lazyRouteComponent(() => import('./pages/sources.tsx'), 'Sources'),
})
export const sourceRoute = createRoute({
  ...under,
  path: '/sources/$name',
  component: lazyRouteComponent(() => import('./pages/source.tsx'), 'SourcePage'),
})
export const ownershipRoute = createRoute({
  ...under,
  path: '/ownership',
  validateSearch: words('kind', 'source', 'q'),
  component: lazyRouteComponent(() => import('./pages/ownership.tsx'), 'Ownership'),
})
export const auditRoute = createRoute({
  ...under,
  path: '/audit',
  validateSearch: words('actor', 'action', 'resource', 'since'),
  component: lazyRouteComponent(() => import('./pages/audit.tsx'), 'Audit'),
})
export const tokensRoute = createRoute({
  ...under,
  path: '/tokens',
  validateSearch: words('q'),
  component: lazyRouteComponent(() => import('./pages/tokens.tsx'), 'Tokens'),
})

const routeTree = root.addChildren([
  overviewRoute,
  policiesRoute,
  policyRoute,
  playgroundRoute,
  plansRoute,
  planRoute,
  revisionsRoute,
  rulesRoute,
  modulesRoute,
  newModuleRoute,
  moduleRoute,
  sourcesRoute,
  sourceRoute,
  ownershipRoute,
  auditRoute,
  tokensRoute,
])

/** Where the console lies, whatever prefix a reverse proxy gives it. */
const basepath = new URL(document.baseURI).pathname.replace(/\/$/, '')

export const createConsoleRouter = () =>
  createRouter({
    routeTree,
    basepath,
    defaultPreload: 'intent',
    scrollRestoration: true,
    defaultErrorComponent: ({ error }) => <Problem error={error} />,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>
  }
}
