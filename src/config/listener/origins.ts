// From the text of FLEETKEY_CORS_ORIGINS to the set of origins whose pages may call.

/** As browsers send them in `Origin` (RFC 6454, section 6.2), so that comparing is comparing of texts. */
export function parseOrigins(text: string): ReadonlySet<string> {
  const origins = text.split(",").map((part) => part.trim());
  for (const origin of origins) {
    if (!isOrigin(origin)) {
      throw new Error(
        "must be origins such as https://console.example.com, joined by commas: scheme and host in small " +
          "letters, a port unless it is the scheme's own, no path, no wildcard",
      );
    }
  }
  return new Set(origins);
}

// `*` would let every page call with what the browser of its reader knows.
function isOrigin(text: string): boolean {
  return /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
