// Nothing but the flow: no editor, no log of requests.
module.exports = {
    uiHost: "127.0.0.1",
    httpAdminRoot: false,
    flowFile: "flows.json",
    credentialSecret: false,
    logging: {console: {level: "warn", metrics: false, audit: false}},
};
