import type { Config } from '../core/config.ts'
import type { Log, Write } from './log.ts'

/** A log for whoever seldom has anything to say. */
export interface LateLog extends Pick<Log, 'info' | 'error'> {
  /** How it is written from now on. What is said before the first time is not written. */
  configure(config: Config['log']): void
}

/** What writes the lines is large, so it is loaded with the first of them. */
export function lateLog(write: Write): LateLog {
  let config: Config['log'] | undefined
  let log: Promise<Log> | undefined
  const open = async (how: Config['log']): Promise<Log> => (await import('./log.ts')).openLog(how, write)
  const line =
    (name: 'info' | 'error') =>
    (message: string, fields?: object): void => {
      if (!config) return
      log ??= open(config)
      void log.then((opened) => opened[name](message, fields))
    }
  return {
    configure(changed) {
      config = changed
      log = undefined
    },
    info: line('info'),
    error: line('error'),
  }
}
