/** What stands around every page: where one can go, who one is, whether what is shown is live. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import {
  BookOpen,
  Boxes,
  FileCode,
  GitBranch,
  GitPullRequest,
  Grid3x3,
  History,
  KeyRound,
  LayoutDashboard,
  Play,
  ScrollText,
  Split,
} from 'lucide-react'
import { lazy, Suspense, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { serverUrl } from './api/client.ts'
import { whoQuery } from './api/queries.ts'
import { type LiveState, useLive, useLiveState } from './live.ts'
import { Empty, Page } from './parts/page.tsx'
import { Problem } from './parts/problem.tsx'
import { writeMinted } from './session/minted.ts'
import { takeAnswer } from './session/pending.ts'
import { readTheme, themes, writeTheme } from './session/theme.ts'
import { readToken, signOut, subscribeToken } from './session/token.ts'
import { Shortcuts } from './shortcuts.tsx'

const SignIn = lazy(async () => ({ default: (await import('./pages/sign-in.tsx')).SignIn }))

const places = [
  ['/', 'Overview', LayoutDashboard],
  ['/policies', 'Policies', FileCode],
  ['/playground', 'Playground', Play],
  ['/plans', 'Plans', GitPullRequest],
  ['/revisions', 'Revisions', History],
  ['/rules', 'Rules', Grid3x3],
  ['/modules', 'Modules', Boxes],
  ['/sources', 'Sources', GitBranch],
  ['/ownership', 'Ownership', Split],
  ['/audit', 'Audit', ScrollText],
  ['/tokens', 'Tokens', KeyRound],
] as const

const liveWords: Readonly<Record<LiveState, string>> = {
  live: 'Live',
  polling: 'Asking every 2 s',
  unreachable: 'Server not reached, trying again',
}

const Theme = () => {
  const [theme, setTheme] = useState(readTheme)
  return (
    <select
      aria-label="Theme"
      value={theme}
      onChange={(event) => {
        const next = themes.find((one) => one === event.target.value) ?? 'system'
        writeTheme(next)
        setTheme(next)
      }}
    >
      <option value="system">System theme</option>
      <option value="light">Light theme</option>
      <option value="dark">Dark theme</option>
    </select>
  )
}

const Who = () => {
  const { data: who } = useQuery(whoQuery)
  const client = useQueryClient()
  if (who === undefined || who === null) return null
  const roles = who.roles.length === 0 ? '' : ` (${who.roles.join(', ')})`
  return (
    <div className="stack tight">
      <span title={who.mode === 'open' ? 'This server asks for no credential.' : `as ${who.kind}`}>
        {who.id}
        <span className="quiet">{who.mode === 'open' ? ', open mode' : roles}</span>
      </span>
      {who.mode === 'required' && (
        <button
          type="button"
          className="button"
          onClick={() => {
            signOut()
            writeMinted(null)
            client.clear()
          }}
        >
          Sign out
        </button>
      )}
    </div>
  )
}

const Nav = () => {
  const live = useLiveState()
  const { pathname } = useLocation()
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    // On a phone the places stand in a row that is wider than it.
    list.current?.querySelector('[aria-current=page]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [pathname])
  return (
    <header className="nav">
      <Link to="/" className="brand">
        Edict
      </Link>
      <nav aria-label="Main">
        <ul ref={list}>
          {places.map(([to, title, Icon]) => (
            <li key={to}>
              <Link to={to} activeOptions={{ exact: to === '/', includeSearch: false }}>
                <Icon aria-hidden="true" />
                {title}
              </Link>
            </li>
          ))}
          <li>
            <a href={serverUrl('/swagger-ui/')}>
              <BookOpen aria-hidden="true" />
              API
            </a>
          </li>
        </ul>
      </nav>
      <div className="foot">
        <span className="hint" role="status">
          {liveWords[live]}
        </span>
        <Who />
        <Theme />
      </div>
    </header>
  )
}

export const Frame = () => {
  const token = useSyncExternalStore(subscribeToken, readToken)
  const who = useQuery(whoQuery)
  const main = useRef<HTMLElement>(null)
  const live = useLiveState()
  const client = useQueryClient()
  useLive(token, who.data !== null)
  const signedIn = Boolean(who.data)
  useEffect(() => {
    // Who has a session waits for no answer of the provider: it is not kept for later.
    if (signedIn) takeAnswer()
  }, [signedIn])
  const known = useRef(token)
  useEffect(() => {
    if (known.current === token) return
    known.current = token
    // Nothing that one user was shown is shown to the next.
    client.removeQueries({ predicate: ({ queryKey }) => queryKey.length > 1 || queryKey[0] !== 'whoami' })
    void client.invalidateQueries()
  }, [client, token])

  if (who.data === null)
    return (
      <Suspense fallback={null}>
        <SignIn expired={token !== null} />
      </Suspense>
    )
  return (
    <div className="frame">
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to content
      </a>
      <Nav />
      <main className="content" id="main" ref={main} tabIndex={-1}>
        {live === 'unreachable' && (
          <p className="notice warn" role="status">
            The server cannot be reached. What is shown is how it was; it is asked again every 2 s.
          </p>
        )}
        {who.error !== null && live !== 'unreachable' && <Problem error={who.error} />}
        <Suspense fallback={<p className="quiet">Loading …</p>}>
          <Outlet />
        </Suspense>
      </main>
      <Shortcuts />
    </div>
  )
}

export const Lost = () => (
  <Page title="No such page">
    <Empty title="Nothing is here">
      <p>
        The address may be mistyped, or what it named is gone. <Link to="/policies">All policies</Link> ·{' '}
        <Link to="/">Overview</Link>
      </p>
    </Empty>
  </Page>
)
