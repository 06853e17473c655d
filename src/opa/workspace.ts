/**
 * The temporary folder of one opa call: `files/` is the working directory and holds the call's files alone, beside it
 * the capabilities and what opa writes. Names that opa or a file system would treat specially are replaced by
 * generated ones and mapped back; a name never leads out of the folder.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { RegoFile } from '../policy/analysis.ts'

export interface Workspace {
  /** The working directory. */
  readonly cwd: string
  readonly capabilities: string
  readonly output: string
  /** The path of the source again, from a name that opa prints. */
  readonly pathOf: (name: string) => string
  readonly remove: () => Promise<void>
}

const safePath = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\/)*[A-Za-z0-9_][A-Za-z0-9_.-]*\.rego$/

/** Without capabilities it is a plain folder, with them a bundle whose manifest tells each file's Rego version. */
export async function createWorkspace(files: readonly RegoFile[], capabilities: string | null): Promise<Workspace> {
  const root = await mkdtemp(join(tmpdir(), 'edict-opa-'))
  const cwd = join(root, 'files')
  await mkdir(cwd)
  const paths = new Map(files.map((file, index) => [safeName(file.path, index), file.path]))
  const workspace: Workspace = {
    cwd,
    capabilities: join(root, 'capabilities.json'),
    output: join(root, 'bundle.tar.gz'),
    pathOf: (name) => paths.get(name) ?? name,
    remove: () => rm(root, { recursive: true, force: true }),
  }
  try {
    await fill(workspace, files, capabilities)
  } catch (cause) {
    await workspace.remove()
    throw cause
  }
  return workspace
}

async function fill(workspace: Workspace, files: readonly RegoFile[], capabilities: string | null): Promise<void> {
  const { cwd } = workspace
  const folders = new Set(files.map((file, index) => dirname(safeName(file.path, index))))
  for (const folder of folders) if (folder !== '.') await mkdir(join(cwd, folder), { recursive: true })
  const bundle =
    capabilities === null
      ? []
      : [[workspace.capabilities, capabilities] as const, [join(cwd, '.manifest'), manifest(files)] as const]
  const written = [
    ...bundle,
    ...files.map((file, index) => [join(cwd, safeName(file.path, index)), file.text] as const),
  ]
  await Promise.all(written.map(([path, content]) => writeFile(path, content, { flag: 'wx' })))
}

function safeName(path: string, index: number): string {
  return safePath.test(path) ? path : `edict-file-${index}.rego`
}

function manifest(files: readonly RegoFile[]): string {
  const versions = files.flatMap((file, index) =>
    file.regoVersion === 0 ? [[`/${safeName(file.path, index)}`, 0] as const] : [],
  )
  return JSON.stringify({ roots: [''], rego_version: 1, file_rego_versions: Object.fromEntries(versions) })
}
