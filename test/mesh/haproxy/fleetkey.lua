-- Asks Fleetkey whether a request may pass, for haproxy.cfg. It sets txn.fleetkey_passed and the identity headers,
-- or answers the client itself. What it cannot find out it does not let in.

-- HAProxy asks up to four times.
local TIMEOUT_MS = 1000
local KEY_HEADERS = { "authorization", "x-api-key", "apikey" }
local IDENTITY_HEADERS = {
  "x-fleetkey-key-id", "x-fleetkey-key-type", "x-fleetkey-user", "x-fleetkey-organization",
  "x-fleetkey-service-account", "x-fleetkey-scopes", "x-fleetkey-provider",
}
-- What of a refusal goes to the client.
local REFUSAL_HEADERS = { "content-type", "www-authenticate", "retry-after" }
local REFUSALS = { [401] = true, [403] = true, [429] = true }

-- HAProxy counts the values of a header from 0, httpclient wants them from 1.
local function from_one(values)
  local list = {}
  for index = 0, #values do
    list[index + 1] = values[index]
  end
  return list
end

local function refuse(txn, status, answer)
  local headers = {}
  for _, name in ipairs(REFUSAL_HEADERS) do
    local values = answer and answer.headers and answer.headers[name]
    if values then headers[name] = from_one(values) end
  end
  txn:done(txn:reply({ status = status, headers = headers, body = answer and answer.body or "" }))
end

local function ask(txn)
  local sent = txn.http:req_get_headers()
  -- Fleetkey gets the key and the client's address, and nothing else of the request.
  local headers = { ["x-forwarded-for"] = { txn.f:src() } }
  for _, name in ipairs(KEY_HEADERS) do
    if sent[name] then headers[name] = from_one(sent[name]) end
  end
  local caller = os.getenv("FLEETKEY_CALLER")
  if caller then headers["x-fleetkey-authorization"] = { "Bearer " .. caller } end
  local url = os.getenv("FLEETKEY_URL") .. "/authz?" .. (txn:get_var("txn.fleetkey_requires") or "")
  return core.httpclient():get({ url = url, headers = headers, timeout = TIMEOUT_MS })
end

core.register_action("fleetkey", { "http-req" }, function(txn)
  local answer = ask(txn)
  if not answer or answer.status ~= 200 then
    if answer and REFUSALS[answer.status] then return refuse(txn, answer.status, answer) end
    return refuse(txn, 503)
  end
  for _, name in ipairs(IDENTITY_HEADERS) do
    local values = answer.headers[name]
    if values then txn.http:req_set_header(name, values[0]) end
  end
  txn:set_var("txn.fleetkey_passed", true)
end)
