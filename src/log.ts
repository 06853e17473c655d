/** The process's log: JSON lines on standard error, so that standard output is left to what people wait for. */
import { pino, type Logger } from 'pino'
import type { Config } from './config.ts'

export const createLog = (config: Pick<Config, 'log'>): Logger =>
  pino({ name: 'edict', level: config.log.level }, pino.destination({ dest: 2, sync: true }))
