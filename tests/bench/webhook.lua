-- Each request is another webhook, read from a file of signatures and bodies.

package.path = debug.getinfo(1, "S").source:match("@(.*/)") .. "?.lua;" .. package.path
require("told")

local lines

function init(args)
    lines = io.lines(args[1])
end

function request()
    local headers = {["Content-Type"] = "application/json", ["X-Solum-Signature"] = lines()}
    return wrk.format("POST", nil, headers, lines())
end
