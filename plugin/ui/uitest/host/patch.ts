// The registry of components and of the patches of plugins. A component that is registered runs its patches each time
// that React calls it; React calls it with two arguments.
type Fn = (...args: any[]) => any;

const patches: Record<"before" | "instead" | "after", Record<string, Fn[]>> = { before: {}, instead: {}, after: {} };

export const components: Record<string, Fn> = {};

function adder(kind: keyof typeof patches) {
  return (name: string, fn: Fn) => {
    (patches[kind][name] ??= []).push(fn);
  };
}

export const patch = { before: adder("before"), instead: adder("instead"), after: adder("after") };

export function registerComponent(name: string, component: Fn) {
  if (components[name]) throw new Error(`Component ${name} has already been registered`);
  components[name] = component;
  return component;
}

// chain returns what "instead" number i calls as its last argument: the next one, or the component itself. Whoever calls
// it does not pass on a last argument.
function chain(list: Fn[], i: number, target: Fn): Fn {
  return i < list.length ? (...args) => list[i](...args, chain(list, i + 1, target)) : target;
}

// patchable wraps a component. A "before" returns the list of arguments for what comes after it: if it returns one
// element, "instead" and "after" no longer get React's second argument in between.
export function patchable<P>(name: string, component: (props: P) => any): (props: P) => any {
  return (...given: any[]) => {
    let args = given;
    for (const fn of patches.before[name] ?? []) args = fn(...args);
    let result = chain(patches.instead[name] ?? [], 0, component)(...args);
    for (const fn of patches.after[name] ?? []) result = fn(...args, result);
    return result;
  };
}

export function registered<P>(name: string, component: (props: P) => any): (props: P) => any {
  return registerComponent(name, patchable(name, component)) as (props: P) => any;
}

// container is a patchable component that shows only its children.
export const container = <P extends {} = any>(name: string) => registered<any>(name, (props) => props.children ?? null) as (props: P) => any;
