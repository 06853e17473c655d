/** `edict serve`. */
import { parseConfig, readOrigin } from '../config.ts'
import { runServer } from '../main/serve.ts'
import { createProgressBar } from '../progress.ts'
import type { AddCommand } from './context.ts'

export const addServe: AddCommand = (program, { env, cwd, file, signal, print, untilStopped }) =>
  void program
    .command('serve')
    .description('serve decisions, and keep the sources in sync')
    .option('--no-sync', 'serve only; a worker elsewhere syncs')
    .action(async ({ sync }: { sync: boolean }) => {
      const origin = readOrigin({ env, cwd, file: file() })
      const config = parseConfig(origin)
      const onProgress = createProgressBar(process.stderr)
      await untilStopped(runServer({ config, origin, env, sync, print, onProgress, signal }))
    })
