/** `npm start`: sets up, then serves. With nothing configured it serves the example policies. */
import { existsSync } from 'node:fs'
import { become, setUp } from './setup.mjs'

await setUp()
const args = process.argv.slice(2)
const { EDICT_CONFIG, EDICT_DIRECTORY, POLICY_REPO } = process.env
const isConfigured = existsSync('edict.yaml') || args.some((arg) => /^(-c|--config)/.test(arg))
if (!isConfigured && !EDICT_CONFIG && !EDICT_DIRECTORY && !POLICY_REPO) process.env.EDICT_DIRECTORY = 'policies-example'
await become('src/cli.js', ['serve', ...args])
