import { React } from "../host";

export const CheckView = () => <p>CheckView</p>;
