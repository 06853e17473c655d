/** `edict policy eval POLICY`: what a server would answer, from a directory. */
import { readFile } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import { EdictError } from '../../errors.ts'
import { caretText } from '../../findings/caret-text.ts'
import { evaluateOnce } from '../../main/evaluate-once.ts'
import { compiledOf, openFolder } from '../../main/policy-folder.ts'
import { isError } from '../../policy/analysis.ts'
import { type AddCommand, exit } from '../context.ts'
import { folderOptions, shownPathIn, textOf } from './folder.ts'

interface Options {
  readonly input?: string
  readonly header: readonly string[]
  readonly cost?: boolean
}

const inputOf = async (file: string | undefined): Promise<Uint8Array | undefined> => {
  if (file === undefined) return undefined
  return file === '-' ? Buffer.from(await readAll(process.stdin)) : readFile(file)
}

const headersOf = (written: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    written.map((line) => {
      const at = line.indexOf(':')
      if (at < 1) throw new EdictError('config_invalid', `--header ${line} is no header: write 'Name: value'.`)
      return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()] as const
    }),
  )

export const addEval: AddCommand = (policy, context) =>
  void policy
    .command('eval')
    .description('evaluate a policy of a directory, as a server would')
    .argument('<policy>', 'group/name/version')
    .argument('[dir]', 'the directory', '.')
    .option('-i, --input <file>', 'the input as JSON; - reads standard input')
    .option(
      '-H, --header <line>',
      "a header of the request, 'Name: value'",
      (line, all: string[]) => [...all, line],
      [],
    )
    .option('--cost', 'tell the cost, too')
    .action(async (key: string, directory: string, { input, header, cost = false }: Options) => {
      const options = folderOptions(context, directory)
      const [bytes, headers] = [await inputOf(input), headersOf(header)]
      const folder = await openFolder({ ...options, tests: 'none', only: key })
      const compiled = compiledOf(folder, key)
      if (compiled === undefined) {
        const errors = folder.findings.filter(isError)
        if (errors.length === 0) throw new EdictError('policy_not_found', `There is no policy ${key} in ${directory}.`)
        const shownPath = shownPathIn(context, directory)
        for (const finding of errors) context.tell(caretText(finding, shownPath, textOf(folder)))
        process.exitCode = exit.failed
        return
      }
      const outcome = await evaluateOnce({ ...options, folder, key, compiled, input: bytes, headers })
      if (cost && 'cost' in outcome) context.tell(`${outcome.cost} units`)
      if ('code' in outcome) {
        const { location } = 'location' in outcome ? outcome : { location: undefined }
        const place = location === undefined ? '' : `${location.file}:${location.row}:${location.col}: `
        context.tell(`${place}${outcome.code}: ${outcome.message}`)
      } else context.print(outcome.kind === 'value' ? Buffer.from(outcome.json).toString() : '{}')
      process.exitCode = 'code' in outcome ? exit.failed : exit.done
    })
