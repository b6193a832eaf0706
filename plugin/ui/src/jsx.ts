import { React } from "./host";

// What elements become in the bundle. esbuild shortens the names of constants, which saves a tenth of it.
export const h = React.createElement;
export const Fragment = React.Fragment;
