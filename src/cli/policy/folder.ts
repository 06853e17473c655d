/** What the commands on a directory of policies share: its configuration, its texts, and how its files are named to people. */
import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { loadConfig, type Config } from '../../config.ts'
import { type Authorization, openAuthorization } from '../../main/authorization.ts'
import type { DirectoryOptions, PolicyFolder } from '../../main/policy-folder.ts'
import { type Context, configOf, runOptions } from '../context.ts'

/**
 * Where the working folder has no configuration, and none is named, the directory's own says who may do what. Nothing else
 * of it is taken: a directory that is only looked at names no code to run and no hosts to call.
 */
export const folderOptions = (context: Context, directory: string): DirectoryOptions => {
  const { env, cwd, file } = context
  const own = resolve(cwd, directory)
  const isNamed = file() !== undefined || (env['EDICT_CONFIG'] ?? '') !== '' || existsSync(join(cwd, 'edict.yaml'))
  const config = configOf(context)
  if (isNamed || !existsSync(join(own, 'edict.yaml'))) return { ...runOptions(context, config), directory }
  const { policy, protected: protectedKeys } = loadConfig({ env, cwd: own })
  return { ...runOptions(context, { ...config, policy, protected: protectedKeys }), directory }
}

/** A file of authorization tests in place of a directory; without one of its own in the configuration, its rules stand beside it. */
export const testsFileIn = (context: Context, written: string): DirectoryOptions | undefined => {
  const file = resolve(context.cwd, written)
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined
  const options = folderOptions(context, dirname(written))
  const { config } = options
  if (config.policy.tests === file) return options
  const beside = join(dirname(file), basename(file).replace(/\.tests(?=\.ya?ml$)/, ''))
  const rules = beside !== file && existsSync(beside) ? beside : config.policy.file
  return { ...options, config: { ...config, policy: { file: rules, tests: file } } }
}

/** A path of the directory as it leads there from the working folder. */
export const shownPathIn =
  ({ cwd }: Pick<Context, 'cwd'>, directory: string) =>
  (file: string): string => {
    const path = relative(cwd, join(resolve(cwd, directory), file))
    return path.startsWith('..') ? join(directory, file) : path
  }

export const authorizationIn = (context: Pick<Context, 'cwd'>, directory: string, config: Config): Authorization =>
  openAuthorization({
    config,
    directory: resolve(context.cwd, directory),
    shownPath: shownPathIn(context, directory),
  })

export const textOf = ({ fragment }: Pick<PolicyFolder, 'fragment'>): ((file: string) => string | undefined) => {
  const texts = new Map(fragment.files.map(({ path, text }) => [path, text]))
  return (file) => texts.get(file)
}

export const plural = (count: number, noun: string): string => {
  if (count === 1) return `1 ${noun}`
  return `${count} ${noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`
}
