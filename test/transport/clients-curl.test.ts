// Cases through curl, which people type, over each version of HTTP.
import { curl } from "./clients/command-line.ts";
import { describeEveryCase } from "./every-case.ts";

describeEveryCase([
  { title: "curl --http1.1", open: (url) => curl(url, "--http1.1") },
  {
    title: "curl --http2-prior-knowledge",
    isSlow: true,
    open: (url) => curl(url, "--http2-prior-knowledge"),
  },
]);
