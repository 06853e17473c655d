/** What the commands on a directory of policies share: its texts, and how its files are named to people. */
import { join, relative, resolve } from 'node:path'
import type { PolicyFolder } from '../../main/policy-folder.ts'
import type { Context } from '../context.ts'

/** A path of the directory as it leads there from the working folder. */
export const shownPathIn =
  ({ cwd }: Pick<Context, 'cwd'>, directory: string) =>
  (file: string): string => {
    const path = relative(cwd, join(resolve(cwd, directory), file))
    return path.startsWith('..') ? join(directory, file) : path
  }

export const textOf = ({ fragment }: Pick<PolicyFolder, 'fragment'>): ((file: string) => string | undefined) => {
  const texts = new Map(fragment.files.map(({ path, text }) => [path, text]))
  return (file) => texts.get(file)
}

export const plural = (count: number, noun: string): string => {
  if (count === 1) return `1 ${noun}`
  return `${count} ${noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`
}
