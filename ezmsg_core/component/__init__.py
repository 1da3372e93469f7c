"""What users build graphs from, and what a graph of theirs comes down to; nothing here runs it.

Declaring, by module:

    settings, state        what a component is told, and what it remembers
    stream                 a unit's inputs and outputs, a collection's topics and relays
    tasks                  the decorators that mark a unit's functions
    component, unit,       the classes that users derive from
    collection
    ending                 the exceptions by which a task ends itself or everything

Reading what was declared:

    fitting                whether a unit's functions can run in it
    blueprint              a tree of components → units, edges and the processes they run in
    schema, structured,    settings as data: what may be set, what is set, and a changed copy
    patching
    metadata               a blueprint → the records that a session declares
"""
