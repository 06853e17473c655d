/** The head of a page: its title, which is the window's as well, and what can be done there. */
import type { ReactNode } from 'react'

export const Page = ({
  title,
  about,
  actions,
  children,
}: {
  readonly title: string
  readonly about?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}) => (
  <div className="stack">
    <title>{`${title} · Edict`}</title>
    <div className="row apart top">
      <div>
        <h1>{title}</h1>
        {about !== undefined && <div className="quiet">{about}</div>}
      </div>
      {actions !== undefined && <div className="row top">{actions}</div>}
    </div>
    {children}
  </div>
)

export const Empty = ({ title, children }: { readonly title: string; readonly children: ReactNode }) => (
  <div className="box pad stack">
    <h2>{title}</h2>
    {children}
  </div>
)
