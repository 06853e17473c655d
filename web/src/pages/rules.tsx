/**
 * Who may do what: roles and actions of one type of resource as a grid. Ticks are gathered, their plan is shown, and all
 * of them are saved in one change.
 */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { call, send } from '../api/client.ts'
import { moduleQuery, rulesQuery } from '../api/queries.ts'
import type { Changed, Rule } from '../api/types.ts'
import { Code } from '../editor/code.tsx'
import { Button } from '../parts/button.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { useSay } from '../parts/toast.tsx'
import { useChange } from '../parts/use-change.ts'
import { ImportRules } from './import-rules.tsx'
import { RulesPreview, usePreview } from './rules-preview.tsx'

const different = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort()

const cellOf = (role: string, action: string): string => JSON.stringify([role, action])

interface RuleInput {
  readonly service_name: string
  readonly resource_type: string
  readonly role: string
  readonly action: string
  readonly is_active: boolean
}

const changed = (place: { readonly service: string; readonly type: string }, ticks: ReadonlyMap<string, boolean>) =>
  [...ticks].map(([cell, is_active]): RuleInput => {
    const [role = '', action = ''] = JSON.parse(cell) as string[]
    return { service_name: place.service, resource_type: place.type, role, action, is_active }
  })

const Save = ({ rules, onDone }: { readonly rules: readonly RuleInput[]; readonly onDone: () => void }) => {
  const preview = usePreview({ rules })
  const save = useChange({
    run: () => call<Changed>('/api/rules/bulk', { method: 'POST', json: { rules } }),
    done: ({ message, plan }) =>
      plan === undefined ? `${rules.length} ${rules.length === 1 ? 'rule is' : 'rules are'} in force.` : `${message}.`,
  })
  return (
    <section className="notice stack tight" aria-label="What will change">
      <ul>
        {rules.map(({ role, action, is_active: active }) => (
          <li key={cellOf(role, action)}>
            {active ? 'Allow' : 'No longer allow'} <strong>{role}</strong> to <strong>{action}</strong>
          </li>
        ))}
      </ul>
      <RulesPreview of={preview} />
      {save.error !== null && <Problem error={save.error} />}
      <div className="row">
        <Button
          look="primary"
          action="change"
          busy={save.isPending}
          because={preview.data?.ok === false ? 'It does not hold: see above' : undefined}
          onClick={() => save.mutate(undefined, { onSuccess: onDone })}
        >
          Save {rules.length} {rules.length === 1 ? 'change' : 'changes'}
        </Button>
        <Button onClick={onDone}>Discard</Button>
      </div>
    </section>
  )
}

const Add = ({ what, onAdd }: { readonly what: string; readonly onAdd: (name: string) => void }) => {
  const [name, setName] = useState('')
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault()
        if (name.trim() === '') return
        onAdd(name.trim())
        setName('')
      }}
    >
      <input
        aria-label={`New ${what}`}
        placeholder={`New ${what}`}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Button submit>Add {what}</Button>
    </form>
  )
}

interface GridProps {
  readonly rules: readonly Rule[]
  readonly service: string
  readonly type: string
}

const Grid = ({ rules, service, type }: GridProps) => {
  const own = rules.filter((rule) => rule.service_name === service && rule.resource_type === type)
  const [more, setMore] = useState<{ readonly roles: readonly string[]; readonly actions: readonly string[] }>({
    roles: [],
    actions: [],
  })
  const [ticks, setTicks] = useState<ReadonlyMap<string, boolean>>(new Map())
  const roles = different([...own.map(({ role }) => role), ...more.roles])
  const actions = different([...own.map(({ action }) => action), ...more.actions])
  const active = new Set(own.filter((rule) => rule.is_active).map(({ role, action }) => cellOf(role, action)))
  const tick = (cell: string): void => {
    const next = new Map(ticks)
    if (!next.delete(cell)) next.set(cell, !active.has(cell))
    setTicks(next)
  }
  return (
    <div className="stack">
      {roles.length > 0 && actions.length > 0 ? (
        <div className="box scroll" tabIndex={0} role="group" aria-label={`Rules of ${service} for ${type}`}>
          <table className="grid-rules">
            <thead>
              <tr>
                <th scope="col">Role</th>
                {actions.map((action) => (
                  <th key={action} scope="col">
                    {action}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {roles.map((role) => (
                <tr key={role}>
                  <th scope="row">{role}</th>
                  {actions.map((action) => {
                    const cell = cellOf(role, action)
                    return (
                      <td key={action} className={ticks.has(cell) ? 'changed' : undefined}>
                        <input
                          type="checkbox"
                          aria-label={`${role} may ${action}`}
                          checked={ticks.get(cell) ?? active.has(cell)}
                          onChange={() => tick(cell)}
                        />
                      </td>
                    )
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p className="notice">Add a role and an action below; then tick what the role may do.</p>
      )}
      <div className="row">
        <Add what="role" onAdd={(name) => setMore({ ...more, roles: [...more.roles, name] })} />
        <Add what="action" onAdd={(name) => setMore({ ...more, actions: [...more.actions, name] })} />
      </div>
      {ticks.size > 0 && <Save rules={changed({ service, type }, ticks)} onDone={() => setTicks(new Map())} />}
      {active.size > 0 && <Generated service={service} />}
    </div>
  )
}

const Generated = ({ service }: { readonly service: string }) => {
  const id = `rbac/${service}`
  const rego = useQuery({ ...moduleQuery(id), retry: false })
  return (
    <section className="stack tight">
      <h2>
        As Rego:{' '}
        <Link to="/module/$" params={{ _splat: id }}>
          {id}
        </Link>
      </h2>
      <Loaded of={rego}>{(text) => <Code language="rego" value={text} label={`${id}, read only`} />}</Loaded>
    </section>
  )
}

/** Fetched, because a link would carry no token. */
const ExportRules = () => {
  const say = useSay()
  const save = async (): Promise<void> => {
    const file = await (await send('/api/rules/export?format=csv')).blob()
    const link = document.createElement('a')
    link.href = URL.createObjectURL(file)
    link.download = 'rules.csv'
    link.click()
    URL.revokeObjectURL(link.href)
  }
  return <Button onClick={() => void save().catch((error: unknown) => say(String(error), 'bad'))}>Export CSV</Button>
}

export const Rules = () => {
  const search = useSearch({ from: '/rules' })
  const navigate = useNavigate({ from: '/rules' })
  const rules = useQuery(rulesQuery)
  const all = rules.data ?? []
  const services = different([
    ...all.map(({ service_name }) => service_name),
    ...(search.service ? [search.service] : []),
  ])
  const service = search.service ?? services[0]
  const types = different([
    ...all.flatMap((rule) => (rule.service_name === service ? [rule.resource_type] : [])),
    ...(search.type ? [search.type] : []),
  ])
  const type = types.includes(search.type ?? '') ? search.type : types[0]
  const go = (next: { readonly service?: string; readonly type?: string }): void =>
    void navigate({ search: next, replace: true })
  return (
    <Page
      title="Rules"
      about="Which role may do what to which type of resource. They are data: nothing is compiled for a change."
      actions={
        <>
          <ImportRules />
          <ExportRules />
        </>
      }
    >
      <Loaded of={rules}>
        {(every) => (
          <>
            <div className="row">
              {service !== undefined && (
                <select aria-label="Service" value={service} onChange={(event) => go({ service: event.target.value })}>
                  {services.map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              )}
              {service !== undefined && type !== undefined && (
                <select
                  aria-label="Resource type"
                  value={type}
                  onChange={(event) => go({ service, type: event.target.value })}
                >
                  {types.map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              )}
              <Add what="service" onAdd={(name) => go({ service: name })} />
              {service !== undefined && <Add what="resource type" onAdd={(name) => go({ service, type: name })} />}
            </div>
            {every.length === 0 && service === undefined && (
              <p className="notice">
                No rule yet. Name the service whose rules you want to write, then a type of resource.
              </p>
            )}
            {service !== undefined && type !== undefined && (
              <Grid key={`${service} ${type}`} rules={every} service={service} type={type} />
            )}
          </>
        )}
      </Loaded>
    </Page>
  )
}
