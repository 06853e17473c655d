/** Each file in `cases/` is a policy, an input and the explanation as people read it; `UPDATE=1` rewrites that. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { explanationText } from '../../src/explain/text.ts'
import { asked, openExplainer, type TestExplainer } from './explainer-for-tests.ts'

const folder = join(import.meta.dirname, 'cases')

const caseSchema = z.strictObject({
  name: z.string(),
  files: z.record(z.string(), z.string()),
  data: z.unknown().optional(),
  input: z.unknown().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  rule: z.string().optional(),
  explanation: z.string().optional(),
})

const cases = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .toSorted()
  .map((file) => {
    const document = parseDocument(readFileSync(join(folder, file), 'utf8'))
    return { file, document, ...caseSchema.parse(document.toJS()) }
  })

describe('an explanation', () => {
  let explainer: TestExplainer
  beforeAll(async () => {
    explainer = await openExplainer()
  })

  it.each(cases)('$name', async ({ file, document, files, data = {}, explanation, input, headers, rule }) => {
    const subject = await explainer.subjectOf(files, JSON.stringify(data))
    const answer = await explainer.explain(
      subject,
      asked({
        ...(input === undefined ? {} : { input }),
        ...(headers === undefined ? {} : { headers }),
        ...(rule === undefined ? {} : { rule }),
      }),
    )
    const text = `${explanationText(answer)}\n`
    if (process.env['UPDATE'] === '1') {
      document.set('explanation', text)
      writeFileSync(join(folder, file), document.toString({ lineWidth: 0 }))
    } else expect(text).toBe(explanation)
  })
})
