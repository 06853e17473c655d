/** Who may come in with a token: made here, shown once, revoked here. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useId, useState } from 'react'
import { call } from '../api/client.ts'
import { tokensQuery, whoQuery } from '../api/queries.ts'
import type { Token } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { type Confirmed, confirmedText } from '../parts/confirmed.ts'
import { FilterField } from '../parts/filter-field.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { State } from '../parts/state.tsx'
import { OptionalTime, Time } from '../parts/time.tsx'
import { useChange } from '../parts/use-change.ts'
import { useRefusal } from '../session/may.ts'
import { MintedToken, NewToken } from './new-token.tsx'

const Revoke = ({ token, onClose }: { readonly token: Token; readonly onClose: () => void }) => {
  const { id, actor, lastUsed } = token
  const [typed, setTyped] = useState('')
  const field = useId()
  const { data: who } = useQuery(whoQuery)
  const revoke = useChange({
    run: () => call<Confirmed>(`/api/tokens/${encodeURIComponent(id)}`, { method: 'DELETE' }),
    done: (answer) => `The token ${id} of ${actor} is revoked: ${confirmedText(answer)}.`,
  })
  return (
    <FormDialog
      title={`Revoke the token ${id} of ${actor}`}
      about={
        <>
          Who uses it gets 401 on every server as soon as this is answered.{' '}
          {lastUsed === null ? (
            'It was never used.'
          ) : (
            <>
              It was last used <Time at={lastUsed} />.
            </>
          )}{' '}
          This cannot be undone: make a new token instead.
        </>
      }
      change={revoke}
      submit={{ label: 'Revoke', look: 'danger', because: typed === actor ? undefined : 'Type the name first' }}
      onClose={onClose}
    >
      {who?.kind === 'token' && who.id === actor && (
        <p className="notice warn">It is one of your own; if it is the one of this tab, you have to sign in again.</p>
      )}
      <div className="field">
        <label htmlFor={field}>
          Type <code>{actor}</code> to confirm
        </label>
        <input
          id={field}
          value={typed}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setTyped(event.target.value)}
        />
      </div>
    </FormDialog>
  )
}

const listed = (names: readonly string[]): string => (names.length === 0 ? '–' : names.join(', '))

const Row = ({ token, onRevoke }: { readonly token: Token; readonly onRevoke: () => void }) => (
  <tr>
    <td>
      {token.actor}
      <div className="hint">
        <code>{token.id}</code>
      </div>
    </td>
    <td className="nowrap">
      <State word={token.state} />
      {token.revoked !== null && (
        <div className="hint">
          <Time at={token.revoked} />
        </div>
      )}
    </td>
    <td>{listed(token.roles)}</td>
    <td>{listed(token.groups)}</td>
    <td className="nowrap">
      <OptionalTime at={token.lastUsed} />
    </td>
    <td className="nowrap">
      <OptionalTime at={token.expires} />
    </td>
    <td className="nowrap">
      <Time at={token.created} />
      <div className="hint">by {token.createdBy}</div>
    </td>
    <td className="number">
      {token.state === 'active' && (
        <Button label={`Revoke … the token ${token.id} of ${token.actor}`} onClick={onRevoke}>
          Revoke …
        </Button>
      )}
    </td>
  </tr>
)

const Table = ({
  tokens,
  onRevoke,
}: {
  readonly tokens: readonly Token[]
  readonly onRevoke: (token: Token) => void
}) => (
  <div className="box scroll" tabIndex={0} role="group" aria-label="Tokens">
    <table>
      <thead>
        <tr>
          {['Actor', 'State', 'Roles', 'Groups', 'Last used', 'Ends', 'Made'].map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
          <th scope="col">
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <Row key={token.id} token={token} onRevoke={() => onRevoke(token)} />
        ))}
      </tbody>
    </table>
  </div>
)

const matches = (token: Token, words: string): boolean => {
  const text = [token.actor, token.id, token.state, token.createdBy, ...token.roles, ...token.groups].join(' ')
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.toLowerCase().includes(word))
}

const List = ({ tokens }: { readonly tokens: readonly Token[] }) => {
  const { q = '' } = useSearch({ from: '/tokens' })
  const navigate = useNavigate({ from: '/tokens' })
  const [revoking, setRevoking] = useState<Token | null>(null)
  const shown = tokens.filter((token) => matches(token, q))
  return (
    <>
      <div className="row" role="search">
        <FilterField
          label="Filter tokens"
          placeholder="Filter by actor, role, group or state  ( / )"
          value={q}
          onChange={(next) => void navigate({ search: next === '' ? {} : { q: next }, replace: true })}
        />
        <span className="quiet" role="status">
          {shown.length} of {tokens.length} tokens
        </span>
      </div>
      <Table tokens={shown} onRevoke={setRevoking} />
      {revoking !== null && <Revoke token={revoking} onClose={() => setRevoking(null)} />}
    </>
  )
}

const None = ({ open }: { readonly open: boolean }) => (
  <Empty title="No token yet">
    {open ? (
      <p>
        This server asks nobody for a credential, and so answers on loopback only. The first token ends that, for good;
        it has to be an administrator’s.
      </p>
    ) : (
      <p>Whoever signs in at the identity provider needs none. Make one for a pipeline or another program.</p>
    )}
    <p>
      On the command line: <code>edict token create --actor alice --roles superuser</code>
    </p>
  </Empty>
)

export const Tokens = () => {
  const [making, setMaking] = useState(false)
  const refused = useRefusal('token', undefined)
  const { data: who } = useQuery(whoQuery)
  const tokens = useQuery({ ...tokensQuery, enabled: who != null && refused === undefined })
  const open = who?.mode === 'open'
  return (
    <Page
      title="Tokens"
      about="What people and programs come in with. Of each the server keeps a hash; it is shown once, when it is made."
      actions={
        <Button look="primary" action="token" onClick={() => setMaking(true)}>
          Make a token …
        </Button>
      }
    >
      {refused === undefined ? (
        <Loaded of={tokens}>{(all) => (all.length === 0 ? <None open={open} /> : <List tokens={all} />)}</Loaded>
      ) : (
        <Empty title="Tokens are not yours to see">
          <p>{refused}. Ask an administrator for the token that you need, or for a role with the action “token”.</p>
        </Empty>
      )}
      {making && <NewToken isFirst={open} onClose={() => setMaking(false)} />}
      <MintedToken />
    </Page>
  )
}
