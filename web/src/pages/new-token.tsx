/** Makes a token, and shows it once. */
import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { call, serverUrl } from '../api/client.ts'
import { whoQuery } from '../api/queries.ts'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Snippet } from '../parts/snippet.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import { useChange } from '../parts/use-change.ts'
import { useMinted, writeMinted } from '../session/minted.ts'
import { writeToken } from '../session/token.ts'

const shipped = {
  viewer: 'reads everything',
  author: 'changes and locks what is of its groups',
  operator: 'locks, approves, rolls back, syncs',
  superuser: 'all of it, tokens and the audit log too',
} as const

const ends = [
  ['12h', 'In 12 hours'],
  ['7d', 'In a week'],
  ['30d', 'In 30 days'],
  ['90d', 'In 90 days'],
  ['365d', 'In a year'],
  ['never', 'Never'],
] as const

/** With spaces or commas between. */
const wordsOf = (text: string): readonly string[] => text.split(/[\s,]+/).filter((word) => word !== '')

const Roles = ({
  chosen,
  onChoose,
}: {
  readonly chosen: readonly string[]
  readonly onChoose: (roles: readonly string[]) => void
}) => (
  <fieldset className="plain stack tight">
    <legend>Roles</legend>
    {Object.entries(shipped).map(([role, about]) => (
      <label key={role} className="row">
        <input
          type="checkbox"
          checked={chosen.includes(role)}
          onChange={({ target }) =>
            onChoose(target.checked ? [...chosen, role] : chosen.filter((other) => other !== role))
          }
        />
        <span>
          {role} <span className="quiet">{about}</span>
        </span>
      </label>
    ))}
  </fieldset>
)

interface Made {
  readonly token: string
  readonly actor: string
}

/** `isFirst`: after it, this server asks for credentials. */
export const NewToken = ({ isFirst, onClose }: { readonly isFirst: boolean; readonly onClose: () => void }) => {
  const [actor, setActor] = useState('')
  const [roles, setRoles] = useState<readonly string[]>(isFirst ? ['superuser'] : [])
  const [more, setMore] = useState('')
  const [groups, setGroups] = useState('')
  const [expires, setExpires] = useState('90d')
  const ids = { actor: useId(), more: useId(), groups: useId(), expires: useId() }
  const { data: who } = useQuery(whoQuery)
  const make = useChange({
    run: async () => {
      const json = { actor: actor.trim(), roles: [...roles, ...wordsOf(more)], groups: wordsOf(groups), expires }
      const made = await call<Made>('/api/tokens', { method: 'POST', json })
      // From the first one on nothing is answered without; and the page may be gone already that wanted to show it.
      const inUse = who?.mode === 'open'
      writeMinted({ actor: made.actor, token: made.token, inUse })
      if (inUse) writeToken(made.token)
      return made
    },
    done: (made) => `A token for ${made.actor} was made.`,
  })
  const because =
    actor.trim() === ''
      ? 'Say for whom it is'
      : isFirst && !roles.includes('superuser')
        ? 'The first token needs the role superuser, or nobody could make another'
        : undefined
  return (
    <FormDialog
      title={isFirst ? 'Make the first token' : 'Make a token'}
      about="For a person or a program: who sends it in “Authorization: Bearer …” acts under this name."
      change={make}
      submit={{ label: 'Make it', look: 'primary', action: 'token', because }}
      onClose={onClose}
    >
      {isFirst && (
        <p className="notice warn">
          From then on this server asks everybody for a credential, for good: revoking the last token does not open it
          again. Evaluation stays open. This tab is signed in with the token.
        </p>
      )}
      <div className="field">
        <label htmlFor={ids.actor}>Name of who acts</label>
        <input
          id={ids.actor}
          value={actor}
          required
          autoComplete="off"
          spellCheck={false}
          maxLength={128}
          placeholder="ci-payments"
          onChange={(event) => setActor(event.target.value)}
        />
      </div>
      <Roles chosen={roles} onChoose={setRoles} />
      <div className="field">
        <label htmlFor={ids.more}>Other roles</label>
        <input id={ids.more} value={more} spellCheck={false} onChange={(event) => setMore(event.target.value)} />
        <span className="hint">What a role may do is said by the rules; those above are what ships without any.</span>
      </div>
      <div className="field">
        <label htmlFor={ids.groups}>Groups</label>
        <input
          id={ids.groups}
          value={groups}
          spellCheck={false}
          placeholder="payments shop"
          onChange={(event) => setGroups(event.target.value)}
        />
        <span className="hint">With spaces between.</span>
      </div>
      <div className="field">
        <label htmlFor={ids.expires}>Ends</label>
        <select id={ids.expires} value={expires} onChange={(event) => setExpires(event.target.value)}>
          {ends.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
        {expires === 'never' && <span className="hint">Good until it is revoked: better for nobody.</span>}
      </div>
    </FormDialog>
  )
}

/** It is closed by its button alone: what it shows can be had from nowhere else. */
export const MintedToken = () => {
  const minted = useMinted()
  if (minted === null) return null
  return (
    <Dialog
      title={`The token for ${minted.actor}`}
      about="Copy it now. It is not shown again, and the server cannot tell it: it keeps a hash."
      open
      onClose={() => undefined}
    >
      <Snippet text={minted.token} label="the token" />
      {minted.inUse && (
        <p className="notice warn">
          This server asks for credentials from now on. This tab is signed in with the token until it is closed: keep
          the token, with it you make the others.
        </p>
      )}
      <h3>Try it</h3>
      <Snippet text={`curl -H "authorization: Bearer $EDICT_TOKEN" ${serverUrl('/api/whoami')}`} label="the command" />
      <div className="row end">
        <Button look="primary" onClick={() => writeMinted(null)}>
          I have copied it
        </Button>
      </div>
    </Dialog>
  )
}
