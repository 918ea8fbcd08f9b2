import type { Trunkline } from '../app.ts'
import { dataDirOf } from '../config/settings.ts'
import { version } from '../core/version.ts'
import { type CliCommand, flagsOf, settingOptions } from './command.ts'
import { collectByNeed } from './garbage.ts'

export const serve: CliCommand = {
  name: 'serve',
  summary: 'Run the gateway (what happens without a command, too)',
  examples: [
    ['trunkline', 'on 127.0.0.1:9090, with OPENAI_API_KEY from the environment'],
    ['trunkline serve --port 8080', 'on another port'],
    ['trunkline serve --openai-base-url http://localhost:11434/v1', 'in front of a local Ollama'],
  ],
  define(command) {
    for (const { flag, help, env } of settingOptions) {
      command.option(flag, env.length > 0 ? `${help} (also ${env[0]})` : help)
    }
    command.action(() => run(command.optsWithGlobals()))
  },
}

/**
 * One signal is often delivered twice, to the group and by a parent such as npm, and nothing in it says by whom. What a
 * parent passes on is here within milliseconds; a person is slower.
 */
const sameSignalMs = 300

async function run(options: Readonly<Record<string, unknown>>): Promise<void> {
  const startedMs = performance.now()
  collectByNeed()
  // Only this command needs the whole program.
  const { startTrunkline } = await import('../app.ts')
  const trunkline = await startTrunkline({ flags: flagsOf(options), environment: process.env })
  process.stderr.write(banner(trunkline, Math.round(performance.now() - startedMs)))
  stopOnSignals(trunkline)
}

function banner({ url, uiUrl, config }: Trunkline, tookMs: number): string {
  const { baseUrl, apiKey } = config.providers.openai ?? {}
  const isUsual = config.dataDir === dataDirOf(undefined, process.env)
  const dataDirFlag = isUsual ? '' : ` --data-dir ${config.dataDir}`
  const openai = baseUrl ?? (apiKey ? 'api.openai.com' : "api.openai.com with the client's own key")
  const others = Object.entries(config.providers).flatMap(([name, { baseUrl, apiKey }]) =>
    name !== 'openai' && (baseUrl || apiKey) ? [name] : [],
  )
  const providers = [
    `openai: ${openai}`,
    ...(others.length > 0 ? [`configured: ${others.join(', ')}`] : []),
    'mock: built in',
  ]
  return `${[
    `Trunkline ${version}, ready in ${tookMs} ms`,
    `  Gateway   ${url}/v1  (${providers.join('; ')})`,
    `  API       ${uiUrl}/api  (${uiUrl}/api/docs tells of it)`,
    `  Traces    ${config.dataDir}`,
    `  Try it    curl ${url}/v1/chat/completions -H 'content-type: application/json' -d '{"model":"mock/echo","messages":[{"role":"user","content":"Hello"}]}'`,
    `  Then      trunkline traces list${dataDirFlag}   (Ctrl-C stops)`,
  ].join('\n')}\n`
}

/** How often a stop says for whom it waits: an answer may take minutes. */
const progressMs = 5_000

function stopOnSignals(trunkline: Trunkline): void {
  let firstMs: number | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (firstMs !== undefined) {
      if (performance.now() - firstMs > sameSignalMs) process.exit(signal === 'SIGINT' ? 130 : 143)
      return
    }
    firstMs = performance.now()
    showProgress(trunkline, firstMs)
    trunkline.stop().then(
      () => process.exit(0),
      (thrown: Error) => {
        process.stderr.write(`Trunkline did not stop cleanly: ${thrown.message}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}

function showProgress({ running, config }: Trunkline, stoppedMs: number): void {
  const show = (hint: string): void => {
    const calls = running()
    const leftMs = config.server.drainMs - (performance.now() - stoppedMs)
    if (calls === 0 || leftMs <= 0) return
    const seconds = Math.ceil(leftMs / 1000)
    process.stderr.write(
      `Waiting for ${calls} ${calls === 1 ? 'call' : 'calls'} to end, at most ${seconds} s.${hint}\n`,
    )
  }
  show(' Ctrl-C once more ends them now, unrecorded.')
  setInterval(show, progressMs, '').unref()
}
