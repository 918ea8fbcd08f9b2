import type { Source } from '../core/source.ts'
import type { Step } from '../core/steps.ts'

/** A source whose bytes go through a step on their way. */
export const stepped = (source: Source, step: Step<Buffer, Buffer>): Source => ({
  to: (sink) =>
    source.to({
      write(chunk) {
        let takes = true
        for (const piece of step.next(chunk)) takes = sink.write(piece)
        return takes
      },
      end() {
        for (const piece of step.end()) sink.write(piece)
        sink.end()
      },
      fail: (error) => sink.fail(error),
    }),
  resume: () => source.resume(),
  cancel: () => source.cancel(),
})
