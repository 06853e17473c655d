/** Rules from a CSV file: what would change is shown before it is changed. */
import { useState } from 'react'
import { call } from '../api/client.ts'
import type { Changed } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Problem } from '../parts/problem.tsx'
import { useChange } from '../parts/use-change.ts'
import { RulesPreview, usePreview } from './rules-preview.tsx'

const Chosen = ({ csv, onClose }: { readonly csv: string; readonly onClose: () => void }) => {
  const preview = usePreview({ csv })
  const save = useChange({
    run: () => call<Changed>('/api/rules/import', { method: 'POST', text: csv, type: 'text/csv' }),
    done: ({ message, plan }) => (plan === undefined ? `Imported: ${message}` : `${message}.`),
  })
  return (
    <div className="stack">
      <RulesPreview of={preview} />
      {save.error !== null && <Problem error={save.error} />}
      <div className="row end">
        <Button
          look="primary"
          busy={save.isPending}
          because={preview.data?.ok === true ? undefined : 'Choose a file whose rules are valid'}
          onClick={() => save.mutate(undefined, { onSuccess: onClose })}
        >
          Import
        </Button>
      </div>
    </div>
  )
}

export const ImportRules = () => {
  const [open, setOpen] = useState(false)
  const [csv, setCsv] = useState<string | null>(null)
  const close = (): void => {
    setOpen(false)
    setCsv(null)
  }
  return (
    <>
      <Button action="change" onClick={() => setOpen(true)}>
        Import CSV …
      </Button>
      <Dialog
        title="Import rules"
        about={
          <>
            A CSV file with the columns <code>service_name,resource_type,role,action,is_active</code>. Rules that are
            there already are switched on or off; no rule is deleted.
          </>
        }
        open={open}
        onClose={close}
      >
        <label className="field">
          <span>File</span>
          <input
            type="file"
            accept=".csv,text/csv"
            onChange={(event) => void event.target.files?.[0]?.text().then(setCsv)}
          />
        </label>
        {csv !== null && <Chosen csv={csv} onClose={close} />}
      </Dialog>
    </>
  )
}
