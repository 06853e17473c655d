/** Keys: `g` and a letter goes to a page, `/` to the filter, `?` shows them all. Not while one types. */
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { Dialog } from './parts/dialog.tsx'

const pages = {
  o: ['/', 'Overview'],
  p: ['/policies', 'Policies'],
  y: ['/playground', 'Playground'],
  l: ['/plans', 'Plans'],
  v: ['/revisions', 'Revisions'],
  r: ['/rules', 'Rules'],
  m: ['/modules', 'Modules'],
  s: ['/sources', 'Sources'],
  w: ['/ownership', 'Ownership'],
  a: ['/audit', 'Audit'],
  t: ['/tokens', 'Tokens'],
} as const

const isPage = (key: string): key is keyof typeof pages => Object.hasOwn(pages, key)

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))

export const Shortcuts = () => {
  const navigate = useNavigate()
  const [shown, setShown] = useState(false)
  useEffect(() => {
    let wentAt = 0
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      const { key } = event
      if (Date.now() - wentAt < 1_500 && isPage(key)) {
        wentAt = 0
        event.preventDefault()
        void navigate({ to: pages[key][0] })
      } else if (key === 'g') wentAt = Date.now()
      else if (key === '?') setShown(true)
      else if (key === '/') {
        const filter = document.querySelector<HTMLElement>('[data-filter]')
        if (filter === null) return
        event.preventDefault()
        filter.focus()
      }
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [navigate])
  return (
    <Dialog title="Keys" about="They work while no field is typed in." open={shown} onClose={() => setShown(false)}>
      <dl className="facts">
        <dt>
          <kbd>/</kbd>
        </dt>
        <dd>Filter</dd>
        {Object.entries(pages).map(([key, [, title]]) => (
          <div key={key} className="row">
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
