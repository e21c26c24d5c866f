// From a CheckRequest to what is asked: pure, and with nothing of it that is not looked at. Whatever is
// missing or odd reads as something that is then refused.
import type { AttributeContext } from "../../../gen/envoy/service/auth/v3/attribute_context_pb.js";
import type { CheckRequest } from "../../../gen/envoy/service/auth/v3/external_auth_pb.js";
import { CheckedHeaders } from "../proxy/checked-headers.ts";
import { type Asked, demandOf } from "../proxy/demand.ts";
import type { Denial } from "../proxy/denial.ts";
import type { ProxyParts } from "../proxy/proxy-parts.ts";
import type { KnownRoutes, Route } from "../proxy/requirements.ts";

/** What Fleetkey reads of context_extensions begins so. */
const OWN_EXTENSIONS = "fleetkey.";
const SCOPES = "fleetkey.scopes";
const TYPE = "fleetkey.type";

type HttpRequest = NonNullable<NonNullable<AttributeContext["request"]>["http"]>;

export function readCheck({ attributes }: CheckRequest, { policy, routes }: ProxyParts): Asked | Denial {
  const headers = headersOf(attributes?.request?.http);
  const address = attributes?.source?.address?.address;
  const peer = address?.case === "socketAddress" ? address.value.address : undefined;
  return demandOf(headers, routeOf(attributes?.contextExtensions ?? {}, routes), peer, policy);
}

function headersOf(http: HttpRequest | undefined): CheckedHeaders {
  const headers = new CheckedHeaders();
  if (http === undefined) return headers;
  for (const name in http.headers) headers.add(name, http.headers[name] ?? "");
  for (const { key, value, rawValue } of http.headerMap?.headers ?? []) {
    headers.add(key, rawValue.length === 0 ? value : textOf(rawValue));
  }
  return headers;
}

// A byte that is not ASCII is in no key, whatever it is read as.
function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

// A misspelled requirement must not make an open route.
function routeOf(extensions: Readonly<Record<string, string>>, routes: KnownRoutes): Route {
  for (const name in extensions) {
    if (name.startsWith(OWN_EXTENSIONS) && name !== SCOPES && name !== TYPE) {
      return routes.trouble(`context_extensions may hold ${SCOPES} and ${TYPE} only`);
    }
  }
  return routes.read({ scopes: extensions[SCOPES], type: extensions[TYPE] });
}
