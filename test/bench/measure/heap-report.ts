// Loaded into a server before its program: at SIGUSR2 it collects the garbage and says how much of the heap
// is in use.
process.on("SIGUSR2", () => {
  (globalThis as { gc?: () => void }).gc?.();
  process.stderr.write(`heap used ${process.memoryUsage().heapUsed}\n`);
});
