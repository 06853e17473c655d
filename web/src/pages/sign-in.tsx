/**
 * For a server that asks for credentials: at its identity provider, or with a token that is pasted. The token stays in this
 * tab and goes nowhere but to this server.
 */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { call } from '../api/client.ts'
import { signInQuery } from '../api/queries.ts'
import type { Oidc } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { Problem } from '../parts/problem.tsx'
import { Advised } from '../session/advised.ts'
import { redirectUri, takeAnswer } from '../session/pending.ts'
import { writeToken } from '../session/token.ts'

/** Runs one at a time and holds what went wrong. `accept` takes a token that the server takes. */
const useSignIn = () => {
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const client = useQueryClient()
  const run = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true)
    setError(null)
    await work().catch(setError)
    setBusy(false)
  }
  const accept = async (token: string): Promise<void> => {
    writeToken(token)
    try {
      client.setQueryData(['whoami'], await call('/api/whoami'))
    } catch (failure) {
      writeToken(null)
      throw failure
    }
  }
  return { error, busy, run, accept }
}

type Flow = ReturnType<typeof useSignIn>

const Paste = ({ flow: { busy, run, accept }, look }: { readonly flow: Flow; readonly look?: 'primary' }) => {
  const [text, setText] = useState('')
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        void run(() => accept(text.trim()))
      }}
    >
      <label className="field">
        <span>Token</span>
        <input
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <span className="hint">
          An administrator makes one with <code>edict token create</code>. It is kept until this tab is closed.
        </span>
      </label>
      <div className="row">
        <Button submit {...(look && { look })} busy={busy} because={text.trim() === '' ? 'Paste a token' : undefined}>
          Sign in
        </Button>
      </div>
    </form>
  )
}

const Provider = ({ oidc, flow: { busy, run } }: { readonly oidc: Oidc; readonly flow: Flow }) => (
  <div className="stack tight">
    <div className="row">
      <Button
        look="primary"
        busy={busy}
        onClick={() => void run(async () => (await import('../session/oidc.ts')).goToProvider(oidc))}
      >
        {busy ? 'Signing in …' : `Sign in at ${new URL(oidc.issuer).host}`}
      </Button>
    </div>
    <span className="hint">
      You come back to this view. The token that it gives out is kept until this tab is closed.
    </span>
  </div>
)

/** For who looks after the provider: what its own error page does not say. */
const ForAdministrators = ({ oidc }: { readonly oidc: Oidc }) => (
  <details>
    <summary>The provider shows an error</summary>
    <dl className="facts">
      <dt>Client</dt>
      <dd>
        <code>{oidc.clientId}</code>, public, code flow with PKCE
      </dd>
      <dt>Redirect address</dt>
      <dd>
        <code>{redirectUri()}</code>
      </dd>
      <dt>Web origin</dt>
      <dd>
        <code>{location.origin}</code>
      </dd>
      <dt>Scopes</dt>
      <dd>
        <code>{oidc.scopes.join(' ')}</code>
      </dd>
    </dl>
    <p className="hint">The client there has to be registered with these.</p>
  </details>
)

const noProvider = new Advised(
  'this server signs nobody in at an identity provider',
  'Paste a token; or name a client in auth.oidc.console.clientId.',
)

export const SignIn = ({ expired }: { readonly expired: boolean }) => {
  const flow = useSignIn()
  const how = useQuery(signInQuery)
  const oidc = how.data?.oidc
  const { error, busy, run, accept } = flow
  useEffect(() => {
    if (oidc === undefined) return
    const answer = takeAnswer()
    if (answer === null) return
    void run(async () => {
      if (oidc === null) throw noProvider
      const { comeBack } = await import('../session/oidc.ts')
      await accept(await comeBack(oidc, answer))
    })
    // oxlint-disable-next-line react/exhaustive-deps
  }, [oidc])
  return (
    <main className="sign-in stack">
      <title>Sign in · Edict</title>
      <h1>Sign in to Edict</h1>
      {expired && !busy && error === null && (
        <p className="notice warn" role="alert">
          Your session has ended: the token is not valid any more. Sign in again; you come back to where you were.
        </p>
      )}
      {error !== null && <Problem error={error} />}
      {how.error !== null && <Problem error={how.error} />}
      {oidc && (
        <>
          <Provider oidc={oidc} flow={flow} />
          <details>
            <summary>With a token instead</summary>
            <Paste flow={flow} />
          </details>
          <ForAdministrators oidc={oidc} />
        </>
      )}
      {(oidc === null || how.error !== null) && <Paste flow={flow} look="primary" />}
    </main>
  )
}
