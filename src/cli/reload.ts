/** `edict reload`: every server takes up its rules file as it is now. Exit code 3 when one has not. */
import { z } from 'zod'
import { replicaRules } from '../http/views.ts'
import { reloadRulesHere } from '../main/rules-changes.ts'
import { createClient } from './client.ts'
import { type AddCommand, asJson, type Context, exit, runOptions } from './context.ts'
import { readCredential } from './credential.ts'
import { tellWhoActs } from './who-acts.ts'

const reloaded = z.object({
  digest: z.string(),
  pending: z.array(z.string()),
  silent: z.array(z.string()),
  replicas: z.array(
    z.object({
      id: z.string(),
      live: z.boolean(),
      digest: z.string().nullable(),
      since: z.string().nullable(),
      problem: z.string().nullable(),
    }),
  ),
})
type Reloaded = z.infer<typeof reloaded>

const reload = async (context: Context): Promise<Reloaded> => {
  const url = context.server()
  if (url === undefined) {
    const { replicas, ...done } = await reloadRulesHere(runOptions(context))
    return reloaded.parse({ ...done, replicas: replicas.map(replicaRules) })
  }
  tellWhoActs(context)
  const client = createClient({ url, token: readCredential(context.env) })
  return reloaded.parse(await client.json('POST', '/api/authz/reload'))
}

export const addReload: AddCommand = (program, context) => {
  program
    .command('reload')
    .description('have every server take up its rules file (policy.file) as it is now, without a restart')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const done = await reload(context)
      const others = done.replicas.filter(({ live, digest }) => live && digest !== done.digest)
      context.print(json ? asJson(done) : `the rules ${done.digest.slice(0, 12)} are taken up`)
      for (const { id, digest, problem } of others)
        context.tell(
          `${id} goes by ${digest?.slice(0, 12) ?? 'what is shipped'}${problem === null ? '' : `: ${problem}`}`,
        )
      if (done.silent.length > 0) context.tell(`not heard of lately: ${done.silent.join(', ')}`)
      if (done.pending.length > 0) context.tell(`not confirmed in time by ${done.pending.join(', ')}`)
      process.exitCode = others.length + done.pending.length > 0 ? exit.findings : exit.done
    })
}
