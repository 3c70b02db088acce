-- Sends the requests listed in the file named by TARGETS, one after the other, each connection thread from its own
-- place. A line is: METHOD, a tab, the path, a tab, the bearer token or "-", a tab, the body or "-".
local lines = {}
for line in io.lines(os.getenv("TARGETS")) do
  lines[#lines + 1] = line
end

local counter = 0
function setup(thread)
  thread:set("start", counter * 7919)
  counter = counter + 1
end

local requests = {}
local next_one = 0
function init()
  for index, line in ipairs(lines) do
    local method, path, token, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$")
    local headers = {}
    if token ~= "-" then
      headers["Authorization"] = "Bearer " .. token
    end
    if body == "-" then
      body = nil
    else
      headers["Content-Type"] = "application/json"
    end
    requests[index] = wrk.format(method, path, headers, body)
  end
  next_one = start
end

function request()
  next_one = next_one + 1
  return requests[next_one % #requests + 1]
end
