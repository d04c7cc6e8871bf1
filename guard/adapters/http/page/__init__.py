"""The page: what people see of guard in a browser, drawn on the server.

    GET  -> `looking`: views of the desk -> templates in `guard/share/page`
    POST -> `acting`: a form -> an intent through the desk -> 303 back to where the button was
    `sessions`, `entering`: who is there, when tokens are needed

Everything can be read and done without JavaScript. With it (htmx and idiomorph, kept beside the templates, so no other
server is asked), the part of a page that is marked `live` is fetched again every few seconds and changed in place:
focus, selection and scroll position stay. The policy allows scripts and styles from this server only, none inline.

Nothing here decides anything: each button is an intent that the API has too, with the same name and reason.
"""
