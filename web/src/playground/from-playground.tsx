/** What a policy's text needs to become a module: a package that no policy has, and a name. */
import { Button } from '../parts/button.tsx'

const packageLine = /^(\s*package\s+)([A-Za-z_][\w.]*)/m

const packageOf = (rego: string): string => packageLine.exec(rego)?.[2] ?? ''

export const moduleIdOf = (rego: string): string => packageOf(rego).replaceAll('.', '/')

export const withPackage = (rego: string, name: string): string => rego.replace(packageLine, `$1${name}`)

export const FromPlayground = ({
  rego,
  onRename,
}: {
  readonly rego: string
  readonly onRename: (name: string) => void
}) => {
  const found = packageOf(rego)
  const name = `lib.${found.split('.').at(-1) ?? ''}`
  return (
    <div className="notice stack tight">
      <p>
        A module is shared: policies refer to it as <code>data.{found}</code>. It can have the package of no policy, and
        data of its own does not come along.
      </p>
      {found !== '' && !found.startsWith('lib.') && (
        <div className="row">
          <Button onClick={() => onRename(name)}>
            Make its package <code>{name}</code>
          </Button>
        </div>
      )}
    </div>
  )
}
