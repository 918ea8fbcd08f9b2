import { createServer } from 'node:net'
import { once } from 'node:events'
import { test } from 'vitest'
import { startTest } from '/work/main/test/support/trunkline.ts'
const raw = async (answer: string) => {
  const server = createServer((s) => { s.once('data', () => s.end(Buffer.from(answer, 'utf8'))); s.on('error',()=>{}) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as any).port}`, close: () => server.close() }
}
test('probe', async () => {
  for (const h of ['x-msg: Grüße', 'x-msg: 😀', 'x-msg: a\u0001b', 'x-msg: a\u007fb', 'x-thread-id: other', 'content-encoding: gzip']) for (const st of ['200 OK', '418 x','429 x']) {
    const up = await raw(`HTTP/1.1 ${st}\r\ncontent-type: application/json\r\n${h}\r\nconnection: close\r\n\r\n{"detail":"hi there"}`)
    await using t = await startTest({ settings: { 'providers.openai.base_url': up.url, 'providers.openai.api_key': 'k' } })
    const r = await fetch(`${t.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"model":"x","messages":[]}', signal: AbortSignal.timeout(2000) }).catch((e) => e)
    console.log(h, st, r.status ?? r, r.status && JSON.stringify([...r.headers]), r.status && await r.text().catch((e:any) => String(e.cause)))
    up.close()
  }
})
