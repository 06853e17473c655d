/** `edict policy fmt [DIR]`: formats Rego as `opa fmt` does. */
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { caretText } from '../../findings/caret-text.ts'
import { formatFolder } from '../../main/format-folder.ts'
import { type AddCommand, exit } from '../context.ts'
import { folderOptions, plural, shownPathIn, textOf } from './folder.ts'

export const addFmt: AddCommand = (policy, context) =>
  void policy
    .command('fmt')
    .description('format all Rego of a directory, as opa fmt does')
    .argument('[dir]', 'the directory', '.')
    .option('--check', 'write nothing; exit with 1 when a file is not formatted')
    .action(async (directory: string, { check = false }: { check?: boolean }) => {
      const { fragment, changed, findings } = await formatFolder(folderOptions(context, directory))
      const shownPath = shownPathIn(context, directory)
      for (const finding of findings) context.print(caretText(finding, shownPath, textOf({ fragment })))
      for (const { path, text } of changed) {
        // oxlint-disable-next-line no-await-in-loop
        if (!check) await writeFile(join(resolve(context.cwd, directory), path), text)
        context.print(shownPath(path))
      }
      context.tell(`${plural(changed.length, 'file')} ${check ? 'to format' : 'formatted'}`)
      process.exitCode = findings.length > 0 || (check && changed.length > 0) ? exit.failed : exit.done
    })
