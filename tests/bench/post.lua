-- Each request is another task under a key of its own.
-- Arguments: a word that no other run has, the caller's key, and what it prefers (or nothing).

package.path = debug.getinfo(1, "S").source:match("@(.*/)") .. "?.lua;" .. package.path
require("told")

local body = [[{"clinic_id":"clinic-%d","title":"Follow-up appointment needed","description":"Schedule a follow-up appointment to review the recent lab results; the patient called about number %s-%d.","patient":{"ids":{"task_api":"pat_5f2c8e"}},"assignees":["dr-wilson"],"due_at":"2027-01-15T09:30:00-06:00","priority":"high","type":"general","tags":["intake","voice"],"source":{"call_id":"call-8812"},"reference":"%s-%d"}]]
local run, clinics, headers, count

function init(args)
    run, clinics, count = args[1], tonumber(args[2]), 0
    headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. args[3], ["Prefer"] = args[4]}
end

function request()
    count = count + 1
    headers["Idempotency-Key"] = run .. "-" .. count
    return wrk.format("POST", nil, headers, body:format(count % clinics, run, count, run, count))
end
