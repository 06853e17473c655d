/** The yardstick for the framework: a bare Hono route that echoes JSON. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.get('/health', (context) => context.json({}))
app.post('/echo', async (context) => context.json(await context.req.json()))
serve({ fetch: app.fetch, port: Number(process.env['PORT']), hostname: '127.0.0.1' })
