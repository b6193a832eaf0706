import { React } from "../host";

export const Overview = () => <p>Overview</p>;
