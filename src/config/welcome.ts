// What a person reads at start: where it listens and, in embedded mode, a first call to paste. It names the
// file of the root credential and never holds the credential.

/** Lines for standard output. Exactly one holds the words "listening on". */
export function welcome(service: { readonly url: string; readonly rootKeyPath: string | undefined }): string {
  const lines = [`fleetkey is listening on ${service.url}`];
  if (service.rootKeyPath !== undefined) lines.push(...firstSteps(service.url, service.rootKeyPath));
  return `${lines.join("\n")}\n`;
}

function firstSteps(url: string, rootKeyPath: string): readonly string[] {
  const path = shellQuote(rootKeyPath);
  const target = url.startsWith("unix:") ? `--unix-socket ${shellQuote(url.slice(5))} http://fleetkey` : url;
  // A certificate for first steps is rarely one that curl trusts.
  const curl = url.startsWith("https:") ? "curl -k" : "curl";
  return [
    "",
    `  The root credential is in ${rootKeyPath}`,
    "  Make a first key:",
    "",
    `  ${curl} ${target}/fleetkey.v1.KeyService/Create \\`,
    `    -H "Authorization: Bearer $(cat ${path})" -H "Content-Type: application/json" \\`,
    `    -d '{"type": "KEY_TYPE_USER", "userId": "user-1"}'`,
    "",
  ];
}

// Inside double quotes and $(…) a path with a space or a quote would fall apart.
function shellQuote(path: string): string {
  // A path that begins with a dash would be taken for an option.
  const text = path.startsWith("-") ? `./${path}` : path;
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
