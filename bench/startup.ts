/** From the start of the process to the first byte of a proxied answer. */
import { chat } from './request.ts'
import { type Session, withServer } from './session.ts'
import { median } from './statistics.ts'

export interface Startup {
  readonly name: string
  readonly firstByteMs: number
}

const patienceMs = 20_000

export async function measureStartup(session: Session, times: number): Promise<Startup[]> {
  const startups: Startup[] = []
  // Not timed: the driver's own code and the upstream's have to warm up as well.
  for (let i = 0; i < 20; i++) await chat(session.upstream.url)
  for (let time = 0; time < times; time++) {
    for (const contender of session.contenders) {
      const { name } = contender
      const beganMs = performance.now()
      await withServer(session, contender, { early: true }, async (server) => {
        const firstByteMs = (await firstAnswer(server.url, name)) - beganMs
        server.calls++
        startups.push({ name, firstByteMs })
        session.say(`start ${time + 1} ${name.padEnd(12)} ${firstByteMs.toFixed(0)} ms`)
      })
    }
  }
  return startups
}

async function firstAnswer(url: string, name: string): Promise<number> {
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; ) {
    const answer = await chat(url)
    if (answer?.status === 200) return answer.firstByteMs
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error(`${name} answered no call within ${patienceMs / 1_000} s of its start.`)
}

export const typical = (startups: readonly Startup[], name: string): number =>
  median(startups.filter((startup) => startup.name === name).map(({ firstByteMs }) => firstByteMs))
