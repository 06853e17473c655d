/** For a server that asks for credentials. The token stays in this tab and goes nowhere but to this server. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/client.ts'
import { Button } from '../parts/button.tsx'
import { Problem } from '../parts/problem.tsx'
import { writeToken } from '../session/token.ts'

export const SignIn = ({ expired }: { readonly expired: boolean }) => {
  const [text, setText] = useState('')
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const client = useQueryClient()
  const signIn = async (): Promise<void> => {
    setBusy(true)
    setError(null)
    writeToken(text.trim())
    try {
      const who = await call('/api/whoami')
      client.setQueryData(['whoami'], who)
    } catch (failure) {
      writeToken(null)
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  return (
    <main className="sign-in stack">
      <title>Sign in · Edict</title>
      <h1>Sign in to Edict</h1>
      {expired && error === null && (
        <p className="notice warn" role="alert">
          Your session has ended: the token is not valid any more. Sign in again; you come back to where you were.
        </p>
      )}
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void signIn()
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
        {error !== null && <Problem error={error} />}
        <div className="row">
          <Button submit look="primary" busy={busy} because={text.trim() === '' ? 'Paste a token' : undefined}>
            Sign in
          </Button>
        </div>
      </form>
    </main>
  )
}
