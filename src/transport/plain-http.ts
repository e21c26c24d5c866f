// What the port answers beside the rpcs: whether the process is alive, and that there is nothing else.
import type { HttpHandler } from "./http.ts";

/** `GET /healthz` is 200 as long as the process runs. Anything else is 404 in Connect's error form. */
export const plainHttp: HttpHandler = (request, response) => {
  const path = request.url?.split("?", 1)[0];
  if (path !== "/healthz")
    return answer(404, { code: "unimplemented", message: "there is nothing at this path" });
  if (request.method === "GET" || request.method === "HEAD") return answer(200, { status: "alive" });
  response.setHeader("allow", "GET, HEAD");
  return answer(405, { code: "unimplemented", message: "only GET and HEAD" });

  function answer(status: number, body: Readonly<Record<string, string>>): void {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(request.method === "HEAD" ? undefined : JSON.stringify(body));
  }
};
