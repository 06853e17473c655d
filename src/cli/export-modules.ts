/** The modules of a server's API, generated ones as readable Rego: as a folder, or as a patch that git applies. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { EdictError } from '../errors.ts'
import { moduleIdProblem } from '../policy/rules.ts'
import type { Client } from './client.ts'

interface ExportedModule {
  readonly path: string
  readonly rego: string
}

const everyModule = async (client: Client): Promise<readonly ExportedModule[]> => {
  const { sources } = z
    .object({ sources: z.array(z.object({ name: z.string(), kind: z.string() })) })
    .parse(await client.json('GET', '/api/sources'))
  const api = sources.find(({ kind }) => kind === 'api')?.name
  if (api === undefined) throw new EdictError('not_found', 'the server has no API source')
  const { policies } = z.object({ policies: z.array(z.string()) }).parse(await client.json('GET', '/api/policies'))
  const owner = z.object({ owned: z.array(z.object({ owners: z.array(z.object({ source: z.string() })) })) })
  const modules: ExportedModule[] = []
  for (const id of policies.filter((name) => moduleIdProblem(name) === undefined)) {
    // oxlint-disable-next-line no-await-in-loop
    const { owned } = owner.parse(await client.json('GET', `/api/ownership?key=module:${encodeURIComponent(id)}`))
    if (!owned.some(({ owners }) => owners.some(({ source }) => source === api))) continue
    const read = z.object({ rego_code: z.string() })
    // oxlint-disable-next-line no-await-in-loop
    const { rego_code } = read.parse(await client.json('GET', `/api/policies/${id}`))
    modules.push({ path: `${id}.rego`, rego: rego_code })
  }
  return modules
}

export const writeModules = async (client: Client, folder: string): Promise<number> => {
  const modules = await everyModule(client)
  for (const { path, rego } of modules) {
    // oxlint-disable-next-line no-await-in-loop
    await mkdir(dirname(join(folder, path)), { recursive: true })
    // oxlint-disable-next-line no-await-in-loop
    await writeFile(join(folder, path), rego)
  }
  return modules.length
}

/** As `git apply` takes it. */
export const modulesPatch = async (client: Client): Promise<string> =>
  (await everyModule(client)).map(newFilePatch).join('\n')

const newFilePatch = ({ path, rego }: ExportedModule): string => {
  const lines = rego.split('\n')
  const ends = lines.at(-1) === ''
  const body = ends ? lines.slice(0, -1) : lines
  return [
    `diff --git a/${path} b/${path}`,
    'new file mode 100644',
    '--- /dev/null',
    `+++ b/${path}`,
    `@@ -0,0 +1,${body.length} @@`,
    ...body.map((line) => `+${line}`),
    ...(ends ? [] : ['\\ No newline at end of file']),
  ].join('\n')
}
