import v8 from 'node:v8'

/** How far the heap may grow beyond what was alive before it is collected again, in percent. */
const growth = { ofLittle: 200, ofMuch: 50 } as const
/** From how many bytes on there is much, the buffers outside of the heap included. */
const muchBytes = 128 << 20
const lookEveryMs = 250

/**
 * Has V8 collect by how much there is. What is alive here is usually a few megabytes, and the buffers of sockets count as
 * its growth: by its own rule all of it would be collected several times a second. With thousands of streams, or bodies
 * of megabytes, it is the other way round: then what is not collected costs more than collecting.
 */
export function collectByNeed(): void {
  let percent = 0
  const look = (): void => {
    const { used_heap_size: heap, external_memory: outside } = v8.getHeapStatistics()
    const wanted = heap + outside > muchBytes ? growth.ofMuch : growth.ofLittle
    if (wanted === percent) return
    percent = wanted
    v8.setFlagsFromString(`--heap-growing-percent=${wanted}`)
  }
  look()
  setInterval(look, lookEveryMs).unref()
}
