/** One shared module: read; and for those of the API edited, checked as one types, saved and deleted. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../api/client.ts'
import { moduleQuery, ownershipQuery } from '../api/queries.ts'
import type { Changed, Preview } from '../api/types.ts'
import { Code } from '../editor/code.tsx'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Findings } from '../parts/findings.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { shortRevision } from '../parts/short-revision.ts'
import { useChange } from '../parts/use-change.ts'
import { useSettled } from '../parts/use-settled.ts'
import { KeyLink } from './policy-link.tsx'
import { readModuleDraft } from '../playground/draft.ts'
import { FromPlayground, moduleIdOf, withPackage } from '../playground/from-playground.tsx'

const useCheck = (id: string, rego: string, wanted: boolean) => {
  const settled = useSettled({ id, rego }, 400)
  return useQuery({
    queryKey: ['check', settled],
    queryFn: ({ signal }) =>
      call<Preview>('/api/policies/check', {
        method: 'POST',
        json: { module_name: settled.id, rego_code: settled.rego },
        signal,
      }),
    enabled: wanted && settled.id !== '' && settled.rego.trim() !== '',
    placeholderData: (before) => before,
    retry: false,
  })
}

/** Policies whose artifacts are made anew with it. */
const Rebuilt = ({ keys }: { readonly keys: readonly string[] }) =>
  keys.length === 0 ? null : (
    <p>
      {keys.length === 1 ? 'A policy is' : `${keys.length} policies are`} built anew with it:{' '}
      {keys.slice(0, 10).map((key, at) => (
        <span key={key}>
          {at > 0 && ', '}
          <KeyLink text={key} />
        </span>
      ))}
      {keys.length > 10 && ` and ${keys.length - 10} more`}
    </p>
  )

/** Whose the name is, and what that means for who wants to save under it. */
const Owner = ({ id }: { readonly id: string }) => {
  const settled = useSettled(id, 400)
  const filter = { key: `module:${settled}` }
  const { data: owned } = useQuery({ ...ownershipQuery(filter), enabled: settled !== '', retry: false })
  const owner = owned?.[0]?.owners[0]
  if (settled !== id || owner === undefined) return null
  if (owner.generated)
    return (
      <p className="notice warn">
        {id} is generated from the rules of {id.slice('rbac/'.length)}: change{' '}
        <Link to="/rules" search={{ service: id.slice('rbac/'.length) }}>
          its rules
        </Link>
        , or take another name.
      </p>
    )
  if (owner.source === 'edict')
    return <p className="notice">{id} comes with Edict: what you save takes its place, until you delete it.</p>
  if (owner.source === 'api')
    return (
      <p className="notice">
        {id} is there already: what you save takes its place.{' '}
        <Link to="/module/$" params={{ _splat: id }}>
          Look at it
        </Link>
      </p>
    )
  return (
    <p className="notice warn">
      {id} belongs to{' '}
      <Link to="/sources/$name" params={{ name: owner.source }}>
        {owner.source}
      </Link>{' '}
      (<code>{owner.file}</code>): two sources cannot declare the same. Change it there, or take another name.{' '}
      <Link to="/ownership" search={{ kind: 'module' }}>
        Who owns what
      </Link>
    </p>
  )
}

const Checked = ({ preview }: { readonly preview: Preview | undefined }) => {
  if (preview === undefined) return null
  // One that says the same as its only finding is not said twice.
  const isSaidBelow = preview.findings.some(({ message }) => preview.message.endsWith(message))
  return (
    <div className="stack tight" role="status">
      <p className={`notice ${preview.ok ? 'good' : 'bad'}`}>
        {preview.ok && `It can be saved: ${preview.message}`}
        {!preview.ok && (isSaidBelow ? 'It cannot be saved:' : shortRevision(preview.message))}
      </p>
      {preview.ok && <Rebuilt keys={preview.plan?.policies.replace ?? []} />}
      {preview.findings.length > 0 && <Findings findings={preview.findings} />}
    </div>
  )
}

interface EditorProps {
  readonly id: string
  readonly rego: string
  readonly onChange: (rego: string) => void
}

const Edited = ({ id, rego, onChange }: EditorProps) => {
  const check = useCheck(id, rego, true)
  const navigate = useNavigate()
  const save = useChange({
    run: () =>
      call<Changed>('/api/policies/upload', {
        method: 'POST',
        json: { module_name: id, rego_code: rego },
      }),
    done: ({ message }) => message,
  })
  const isRefused = check.data?.ok === false && !check.isPlaceholderData
  const because =
    id === '' ? 'Name it' : rego.trim() === '' ? 'Write it' : isRefused ? 'It does not hold: see above' : undefined
  return (
    <div className="stack">
      <Code
        language="rego"
        value={rego}
        onChange={onChange}
        label={`Rego of ${id}`}
        findings={check.data?.findings ?? []}
      />
      {check.error !== null && <Problem error={check.error} />}
      <Checked preview={check.data} />
      {save.error !== null && <Problem error={save.error} />}
      <div className="row">
        <Button
          look="primary"
          action="change"
          busy={save.isPending}
          because={because}
          onClick={() =>
            save.mutate(undefined, {
              onSuccess: ({ plan }) =>
                void (plan === undefined
                  ? navigate({ to: '/module/$', params: { _splat: id } })
                  : navigate({ to: '/plans/$id', params: { id: plan.id } })),
            })
          }
        >
          {save.isPending ? 'Saving …' : 'Save'}
        </Button>
      </div>
    </div>
  )
}

const example = `package rbac

role_check(assignment) if {
	assignment.role == "analyst"
	input.action == "export_data"
}
`

export const NewModule = () => {
  const { from } = useSearch({ from: '/new-module' })
  const [draft] = useState(() => (from === 'playground' ? readModuleDraft() : null))
  const [rego, setRego] = useState(draft ?? example)
  const [id, setId] = useState(draft === null ? '' : moduleIdOf(draft))
  const rename = (name: string): void => {
    const renamed = withPackage(rego, name)
    setRego(renamed)
    setId(moduleIdOf(renamed))
  }
  const upload = (file: File | undefined): void => {
    if (file === undefined) return
    void file.text().then(setRego)
    if (id === '') setId(`rbac/${file.name.replace(/\.rego$/, '')}`)
  }
  return (
    <Page
      title="Upload a module"
      about="It is in force as soon as it is saved; every policy that imports it is built anew."
    >
      <div className="row top">
        <label className="field filter">
          <span>Name</span>
          <input
            value={id}
            placeholder="rbac/custom_rules"
            spellCheck={false}
            onChange={(event) => setId(event.target.value.trim())}
          />
          <span className="hint">Folders with slashes, without “.rego”.</span>
        </label>
        <label className="field">
          <span>From a file</span>
          <input type="file" accept=".rego" onChange={(event) => upload(event.target.files?.[0])} />
        </label>
      </div>
      <Owner id={id} />
      {draft !== null && <FromPlayground rego={rego} onRename={rename} />}
      <Edited id={id} rego={rego} onChange={setRego} />
    </Page>
  )
}

const Delete = ({ id, generated }: { readonly id: string; readonly generated: boolean }) => {
  const [asking, setAsking] = useState(false)
  const [typed, setTyped] = useState('')
  const navigate = useNavigate()
  const remove = useChange({
    run: () => call<Changed>(`/api/policies/${encodeURIComponent(id)}`, { method: 'DELETE' }),
    done: ({ message }) => message,
  })
  return (
    <>
      <Button action="change" look="danger" onClick={() => setAsking(true)}>
        Delete …
      </Button>
      {asking && (
        <Dialog
          title={`Delete ${id}`}
          about={
            generated
              ? 'It goes with all of its rules. An older revision brings both back.'
              : 'Policies that import it will not validate any more and keep their last good artifact. An older revision brings it back.'
          }
          open
          onClose={() => setAsking(false)}
        >
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault()
              remove.mutate(undefined, { onSuccess: () => void navigate({ to: '/modules' }) })
            }}
          >
            <label className="field">
              <span>
                Type <code>{id}</code> to delete it
              </span>
              <input value={typed} spellCheck={false} onChange={(event) => setTyped(event.target.value)} />
            </label>
            {remove.error !== null && <Problem error={remove.error} />}
            <div className="row end">
              <Button onClick={() => setAsking(false)}>Cancel</Button>
              <Button submit look="danger" busy={remove.isPending} because={typed === id ? undefined : 'Type its name'}>
                Delete
              </Button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  )
}

export const ModulePage = () => {
  const { _splat: id = '' } = useParams({ from: '/module/$' })
  const found = useQuery(moduleQuery(id))
  const { data: owned } = useQuery({ ...ownershipQuery({ key: `module:${id}` }), retry: false })
  const [edited, setEdited] = useState<string | null>(null)
  const owner = owned?.[0]?.owners[0]
  const generated = owner?.generated === true
  const isOurs = owner?.source === 'api'
  const about =
    owner === undefined ? undefined : generated ? (
      <>
        Generated from <Link to="/rules">rules</Link>: it is shown as it would be written.
      </>
    ) : (
      <>
        Owned by {owner.source}, <code>{owner.file}</code>
        {!isOurs && ': it is changed there, here it is read only.'}
      </>
    )
  return (
    <Page
      key={id}
      title={id}
      about={about}
      actions={
        isOurs && (
          <>
            {!generated && edited === null && (
              <Button action="change" onClick={() => setEdited(found.data ?? '')}>
                Edit
              </Button>
            )}
            <Delete id={id} generated={generated} />
          </>
        )
      }
    >
      <Loaded of={found}>
        {(rego) =>
          edited === null ? (
            <Code language="rego" value={rego} label={`${id}, read only`} />
          ) : (
            <Edited id={id} rego={edited} onChange={setEdited} />
          )
        }
      </Loaded>
    </Page>
  )
}
